import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAccounts } from "../../../src/accounts/accounts.ts";

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "farhelm-accounts-"));
});

afterEach(() => rmSync(home, { recursive: true }));

const store = (content: unknown): void =>
  writeFileSync(
    join(home, "auth.json"),
    typeof content === "string" ? content : JSON.stringify(content),
  );

const accounts = (env: Readonly<Record<string, string>> = {}) =>
  createAccounts({ codexHome: home, env });

const openai = {
  id: "openai",
  envKey: null,
  requiresOpenaiAuth: true,
  envKeyInstructions: null,
};
const keyed = { ...openai, id: "mine", envKey: "MINE_KEY", requiresOpenaiAuth: false };

describe("the key for OpenAI", () => {
  it("comes from auth.json, and a new file is noticed", () => {
    const made = accounts();
    expect(made.current()).toBeNull();
    store({ OPENAI_API_KEY: "sk-file", auth_mode: "apikey" });
    expect(made.current()).toEqual({ type: "apiKey" });
    expect(made.bearerFor(openai)).toBe("sk-file");
    rmSync(join(home, "auth.json"));
    expect(made.current()).toBeNull();
  });

  it("comes from the environment: CODEX_API_KEY before the file, OPENAI_API_KEY after it", () => {
    const env = { OPENAI_API_KEY: "sk-env" };
    expect(accounts(env).bearerFor(openai)).toBe("sk-env");
    store({ OPENAI_API_KEY: "sk-file" });
    expect(accounts(env).bearerFor(openai)).toBe("sk-file");
    expect(accounts({ ...env, CODEX_API_KEY: "sk-codex" }).bearerFor(openai)).toBe("sk-codex");
  });

  it("is asked for with what to do when there is none", () => {
    expect(() => accounts().bearerFor(openai)).toThrow(
      `Model provider \`openai\` needs an OpenAI API key and none was found. Set OPENAI_API_KEY in the environment of the host, or put it into ${join(home, "auth.json")}.`,
    );
  });

  it("is not repeated when it cannot be sent", () => {
    const made = accounts({ OPENAI_API_KEY: "sk-canary\u00a0x" });
    expect(() => made.bearerFor(openai)).toThrow(/^The key in OPENAI_API_KEY holds characters/);
    expect(() => made.bearerFor(openai)).not.toThrow(/canary/);
  });
});

describe("another provider's key", () => {
  it("comes from the variable that it names, and no other", () => {
    const made = accounts({ MINE_KEY: " abc ", OPENAI_API_KEY: "sk-env" });
    expect(made.bearerFor(keyed)).toBe("abc");
    expect(made.bearerFor({ ...keyed, envKey: null })).toBeUndefined();
  });

  it("is asked for by the variable's name and the provider's own words", () => {
    const made = accounts({ OPENAI_API_KEY: "sk-env" });
    expect(() => made.bearerFor({ ...keyed, envKeyInstructions: "Set it." })).toThrow(
      "Missing environment variable: `MINE_KEY`. Set it.",
    );
    expect(() => made.bearerFor(keyed)).toThrow(
      "Missing environment variable: `MINE_KEY`. Set it in the environment of the host and start it again.",
    );
  });
});

describe("a login that is not supported", () => {
  it.each([
    ["a ChatGPT login", { auth_mode: "chatgpt", tokens: { access_token: "canary" } }],
    [
      "a ChatGPT login",
      { auth_mode: "chatgpt", tokens: { access_token: "canary" }, OPENAI_API_KEY: "canary" },
    ],
    ["an agent identity", { agent_identity: { key: "canary" } }],
    ['a login of the kind "somethingNew"', { auth_mode: "somethingNew" }],
  ])("%s is named and not used", (what, content) => {
    store(content);
    const made = accounts();
    const sentence = `${join(home, "auth.json")} holds ${what}, which this version of Farhelm cannot use yet. Set OPENAI_API_KEY in the environment of the host, or choose another model_provider in config.toml.`;
    expect(made.current()).toBeNull();
    expect(made.unsupportedLogin()).toBe(sentence);
    expect(() => made.bearerFor(openai)).toThrow(sentence);
  });

  it("does not stand in the way of a key in the environment", () => {
    store({ auth_mode: "chatgpt", tokens: {} });
    expect(accounts({ OPENAI_API_KEY: "sk-env" }).bearerFor(openai)).toBe("sk-env");
  });

  it("a broken file is named without its content", () => {
    store('{"OPENAI_API_KEY": "canary');
    const sentence = accounts().unsupportedLogin();
    expect(sentence).toContain("it is not valid JSON");
    expect(sentence).not.toContain("canary");
  });
});
