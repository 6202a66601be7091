import { rmSync } from "node:fs";
import { SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AccountsBench, openai, refusal } from "../../helpers/accounts-bench.ts";

let bench: AccountsBench;

beforeEach(() => {
  bench = new AccountsBench();
});

afterEach(() => bench.close());

const keyed = { ...openai, id: "mine", envKey: "MINE_KEY", requiresOpenaiAuth: false };
const bearer = (token: string): object => ({ authorization: `Bearer ${token}` });

describe("the key for OpenAI", () => {
  it("comes from auth.json, and a new file is noticed", async () => {
    const made = bench.accounts();
    expect([made.mode(), await made.account()]).toEqual([null, null]);
    bench.store({ OPENAI_API_KEY: "sk-file", auth_mode: "apikey" });
    expect([made.mode(), await made.account()]).toEqual(["apikey", { type: "apiKey" }]);
    expect(made.usesCodexBackend()).toBe(false);
    expect(await made.headersFor(openai)).toEqual(bearer("sk-file"));
    rmSync(bench.authFile);
    expect(made.mode()).toBeNull();
  });

  it("comes from the environment: CODEX_API_KEY before the file, OPENAI_API_KEY after it", async () => {
    const env = { OPENAI_API_KEY: "sk-env" };
    expect(await bench.accounts(env).headersFor(openai)).toEqual(bearer("sk-env"));
    bench.store({ OPENAI_API_KEY: "sk-file" });
    expect(await bench.accounts(env).headersFor(openai)).toEqual(bearer("sk-file"));
    const both = bench.accounts({ ...env, CODEX_API_KEY: "sk-codex" });
    expect(await both.headersFor(openai)).toEqual(bearer("sk-codex"));
  });

  it("is asked for with what to do when there is none", async () => {
    expect(await refusal(bench.accounts().headersFor(openai))).toBe(
      `Model provider \`openai\` needs an OpenAI API key and none was found. Set OPENAI_API_KEY in the environment of the host, or put it into ${bench.authFile}.`,
    );
  });

  it("is not repeated when it cannot be sent", async () => {
    const made = bench.accounts({ OPENAI_API_KEY: "sk-canary\u00a0x" });
    expect(await refusal(made.headersFor(openai))).toBe(
      "The key in OPENAI_API_KEY holds characters that cannot be sent. Copy it again without blanks or line breaks.",
    );
  });
});

describe("another provider's key", () => {
  it("comes from the variable that it names, and no other", async () => {
    const made = bench.accounts({ MINE_KEY: " abc ", OPENAI_API_KEY: "sk-env" });
    expect(await made.headersFor(keyed)).toEqual(bearer("abc"));
    expect(await made.headersFor({ ...keyed, envKey: null })).toEqual({});
  });

  it("is asked for by the variable's name and the provider's own words", async () => {
    const made = bench.accounts({ OPENAI_API_KEY: "sk-env" });
    expect(await refusal(made.headersFor({ ...keyed, envKeyInstructions: "Set it." }))).toBe(
      "Missing environment variable: `MINE_KEY`. Set it.",
    );
    expect(await refusal(made.headersFor(keyed))).toBe(
      "Missing environment variable: `MINE_KEY`. Set it in the environment of the host and start it again.",
    );
  });
});

describe("a login that cannot be used", () => {
  it.each([
    [
      "chatgpt without tokens",
      { auth_mode: "chatgpt", tokens: null },
      "says that you log in with ChatGPT and holds no tokens. Run `codex login` on this machine, or set OPENAI_API_KEY in the environment.",
    ],
    [
      "an agent identity that is not the stated mode",
      { agent_identity: { agent_private_key: "canary" } },
      'holds an agent identity but does not say that it is the login. Add "auth_mode": "agentIdentity" to it.',
    ],
    [
      "the mode without an identity",
      { auth_mode: "agentIdentity", agent_identity: null },
      'has auth_mode "agentIdentity" and no agent_identity. Log in again with `codex login --with-access-token`, or remove the file.',
    ],
    [
      "an unknown mode",
      { auth_mode: "somethingNew" },
      'holds a login of the kind "somethingNew", which this version of Farhelm cannot use. Set OPENAI_API_KEY in the environment of the host, or choose another model_provider in config.toml.',
    ],
  ])("%s is named", async (_what, content, what) => {
    bench.store(content);
    const made = bench.accounts();
    const sentence = `${bench.authFile} ${what}`;
    expect([made.mode(), await made.account(), made.fault()]).toEqual([null, null, sentence]);
    expect(await refusal(made.headersFor(openai))).toBe(sentence);
  });

  it("does not stand in the way of a key in the environment, and is still named", async () => {
    bench.store({ auth_mode: "chatgpt" });
    const made = bench.accounts({ OPENAI_API_KEY: "sk-env" });
    expect(await made.headersFor(openai)).toEqual(bearer("sk-env"));
    expect(made.fault()).toContain("holds no tokens");
  });

  it("a broken file is named without its content", () => {
    bench.store('{"OPENAI_API_KEY": "canary');
    expect(bench.accounts().fault()).toBe(
      `${bench.authFile} was left aside: it is not valid JSON. Repair or remove it, or set OPENAI_API_KEY in the environment of the host.`,
    );
  });

  it("a personal access token is named, and auth.json is not used in its place", async () => {
    bench.store({ OPENAI_API_KEY: "sk-file" });
    const made = bench.accounts({ CODEX_ACCESS_TOKEN: "at-canary" });
    expect(await refusal(made.headersFor(openai))).toBe(
      "CODEX_ACCESS_TOKEN holds a personal access token, which this version of Farhelm cannot use. Set it to the JWT of an agent identity, or set OPENAI_API_KEY instead.",
    );
  });
});

describe("ChatGPT tokens", () => {
  const key = new TextEncoder().encode("a key that nobody asks about, 32 bytes");
  const token = (claims: Record<string, unknown>): Promise<string> =>
    new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(key);
  const facts = {
    chatgpt_plan_type: "plus",
    chatgpt_user_id: "user-9",
    chatgpt_account_id: "account-9",
  };
  const login = async (exp: number, more: Readonly<Record<string, unknown>> = {}) => ({
    auth_mode: "chatgpt",
    tokens: {
      id_token: await token({
        email: "ada@example.com",
        "https://api.openai.com/auth": { ...facts, ...more },
      }),
      access_token: await token({ exp }),
      refresh_token: "canary",
    },
  });
  const inAnHour = Math.floor(Date.now() / 1000) + 3600;

  it("go with the account's id, and say whose they are", async () => {
    const content = await login(inAnHour);
    bench.store(content);
    const made = bench.accounts();
    expect(await made.headersFor(openai)).toEqual({
      authorization: `Bearer ${content.tokens.access_token}`,
      "chatgpt-account-id": "account-9",
    });
    expect([made.mode(), made.usesCodexBackend(), made.fault()]).toEqual([
      "chatgpt",
      true,
      undefined,
    ]);
    expect(await made.account()).toEqual({
      type: "chatgpt",
      email: "ada@example.com",
      planType: "plus",
      userId: "user-9",
    });
  });

  it("prefer the account that auth.json names, and mark a FedRAMP one", async () => {
    const { auth_mode, tokens } = await login(inAnHour, { chatgpt_account_is_fedramp: true });
    bench.store({ auth_mode, tokens: { ...tokens, account_id: "account-2" } });
    expect(await bench.accounts().headersFor(openai)).toMatchObject({
      "chatgpt-account-id": "account-2",
      "x-openai-fedramp": "true",
    });
  });

  it("that are over are not sent", async () => {
    bench.store(await login(1_700_000_000));
    const made = bench.accounts();
    const sentence = `The ChatGPT login in ${bench.authFile} has expired. Run \`codex login\` on this machine, or any Codex command, which renews it; then try again.`;
    expect(await refusal(made.headersFor(openai))).toBe(sentence);
    expect(made.fault()).toBe(sentence);
  });

  it("do not leave this machine unencrypted", async () => {
    bench.store(await login(inAnHour));
    const made = bench.accounts();
    const at = (baseUrl: string) => made.headersFor({ ...openai, baseUrl });
    expect(await refusal(at("http://10.0.0.7:8000/v1"))).toBe(
      "Model provider `openai` has a base_url without encryption, to which the tokens of a ChatGPT login are not sent. Use an https address, or one on this machine.",
    );
    expect(await at("http://127.0.0.1:8000/v1")).toHaveProperty("authorization");
  });

  it("without an account are named, not sent", async () => {
    bench.store({ auth_mode: "chatgpt", tokens: { access_token: await token({}) } });
    expect(bench.accounts().fault()).toBe(
      `The ChatGPT login in ${bench.authFile} has no usable account_id. Run \`codex login\` on this machine again.`,
    );
  });
});
