import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createConfigEditor } from "../../../src/config/config-editor.ts";
import { createConfigReader } from "../../../src/config/config-reader.ts";
import type { ConfigChange, ConfigEditor } from "../../../src/config/port.ts";
import { ConfigError, ConfigWriteError } from "../../../src/config/port.ts";

let root: string;
let file: string;
const at = (...parts: readonly string[]): string => join(root, ...parts);

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "farhelm-editor-")));
  mkdirSync(at("home"));
  file = at("home/config.toml");
});
afterEach(() => rmSync(root, { recursive: true }));

const store = (path: string, text: string): void => {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), text);
};
const text = (): string => readFileSync(file, "utf8");

const places = (...sessionFlags: readonly string[]) => ({
  codexHome: at("home"),
  systemFolder: at("etc"),
  sessionFlags,
});
const editor = (...flags: readonly string[]): ConfigEditor => createConfigEditor(places(...flags));

type Strategy = "replace" | "upsert";

const change = (
  keyPath: string,
  value: unknown,
  mergeStrategy: Strategy = "replace",
): ConfigChange => ({
  edits: [{ keyPath, value, mergeStrategy }],
  filePath: undefined,
  expectedVersion: undefined,
});

const write = (keyPath: string, value: unknown, mergeStrategy: Strategy = "replace") =>
  editor().write(change(keyPath, value, mergeStrategy));

const writeTo = (filePath: string) => editor().write({ ...change("model", "b"), filePath });

const mode = (): number => statSync(file).mode & 0o777;

const trust = (folder: string, overrides = {}, ...flags: readonly string[]): Promise<boolean> =>
  editor(...flags).trust(at(folder), overrides);
const levelOf = (folder: string): string | null =>
  createConfigReader(places()).read({}, at(folder)).trustLevel;

const refusal = async (promise: Promise<unknown>): Promise<readonly unknown[]> => {
  try {
    await promise;
  } catch (error) {
    if (error instanceof ConfigWriteError) return [error.code, error.message];
    throw error;
  }
  throw new Error("nothing was refused");
};

const original = `# mine
model = "a" # the model

# about the provider
[model_providers.mock] # inline
name = "mock"
base_url = "http://127.0.0.1:1/v1"

# tail
[tools]
web_search = true # yes
`;

describe("a change of config.toml", () => {
  it("leaves comments, order and blank lines as they are", async () => {
    store("home/config.toml", original);
    const made = editor();
    await made.write({
      edits: [
        { keyPath: "model", value: "b", mergeStrategy: "replace" },
        { keyPath: "model_providers.mock.env_key", value: "KEY", mergeStrategy: "replace" },
        { keyPath: 'projects."/a/b.c".trust_level', value: "trusted", mergeStrategy: "replace" },
      ],
      filePath: undefined,
      expectedVersion: undefined,
    });
    expect(text()).toContain('# mine\nmodel = "b" # the model\n\n# about the provider\n');
    expect(text()).toContain('[model_providers.mock] # inline\nname = "mock"\n');
    expect(text()).toContain("# tail\n[tools]\nweb_search = true # yes\n");
    expect(text()).toContain('[projects."/a/b.c"]\ntrust_level = "trusted"\n');
    const { raw } = createConfigReader(places()).read();
    expect(raw).toEqual({
      model: "b",
      model_providers: {
        mock: { name: "mock", base_url: "http://127.0.0.1:1/v1", env_key: "KEY" },
      },
      tools: { web_search: true },
      projects: { "/a/b.c": { trust_level: "trusted" } },
    });
  });

  it.each([
    ["a new top key", "review_model", "x", "replace", { review_model: "x" }],
    [
      "a new table",
      "a.b.c",
      { d: [1, 2.5], e: true },
      "replace",
      { a: { b: { c: { d: [1, 2.5], e: true } } } },
    ],
    [
      "a list of tables",
      "zz",
      [{ a: 1 }, { b: { c: "x" } }],
      "replace",
      { zz: [{ a: 1 }, { b: { c: "x" } }] },
    ],
    [
      "a table laid over one",
      "tools",
      { view_image: true },
      "upsert",
      { tools: { web_search: true, view_image: true } },
    ],
    [
      "a table in the place of one",
      "tools",
      { view_image: true },
      "replace",
      { tools: { view_image: true } },
    ],
    ["nothing in the place of a value", "model", null, "replace", { model: undefined }],
    ["nothing in the place of nothing", "no.such.key", null, "replace", {}],
    [
      "odd names and texts",
      'x."a\\"b.c".d',
      'é"\n\\ #',
      "replace",
      { x: { 'a"b.c': { d: 'é"\n\\ #' } } },
    ],
    ["blanks in a name", " model ", "x", "replace", { " model ": "x" }],
    ["a single quote, which quotes nothing", "x.'a.b", 1, "replace", { x: { "'a": { b: 1 } } }],
  ] as const)("may be %s", async (_what, key, value, strategy, expected) => {
    store("home/config.toml", original);
    await write(key, value, strategy);
    const { raw } = createConfigReader(places()).read();
    const before = {
      model: "a",
      model_providers: { mock: { name: "mock", base_url: "http://127.0.0.1:1/v1" } },
      tools: { web_search: true },
    };
    expect(JSON.parse(JSON.stringify(raw))).toEqual(
      JSON.parse(JSON.stringify({ ...before, ...expected })),
    );
    expect(text().match(/#.*$/gm)).toEqual(
      expect.arrayContaining(["# about the provider", "# inline", "# tail"]),
    );
  });

  it("goes into inline and dotted tables where people wrote such", async () => {
    store("home/config.toml", 'projects = { "/a" = { trust_level = "trusted" } } # p\na.b = 1\n');
    await write('projects."/b".trust_level', "untrusted");
    await write("a.c", 2);
    expect(createConfigReader(places()).read().raw).toEqual({
      projects: { "/a": { trust_level: "trusted" }, "/b": { trust_level: "untrusted" } },
      a: { b: 1, c: 2 },
    });
    expect(text()).toContain("# p");
  });

  it.each([
    ["", "x", "keyPath must not be empty"],
    ["model.", "x", "keyPath segments must not be empty"],
    ['projects."/a', "x", "unterminated quoted keyPath segment"],
    ["model.x", "x", "cannot set value on non-table parent"],
    ["x", [1, null], "invalid value: invalid type: null, expected any valid TOML value"],
    ["x", { a: null }, "invalid value: invalid type: null, expected any valid TOML value"],
    ["x", 2 ** 60, "invalid value: u64 value was too large"],
    [
      "profile",
      "p",
      "`profile` is a legacy config selector and can no longer be written; use `--profile <name>` with `<name>.config.toml` instead",
    ],
    [
      "approval_policy",
      "sometimes",
      "Invalid configuration: unknown variant `sometimes`, expected one of `untrusted`, `on-failure`, `on-request`, `granular`, `never`\nin `approval_policy`\n",
    ],
    [
      "approval_policy",
      "untrusted",
      'Invalid configuration: approval_policy = "untrusted" is no longer supported; remove this setting',
    ],
    [
      "model",
      5,
      "Invalid configuration: invalid type: integer `5`, expected a string\nin `model`\n",
    ],
    [
      "model_providers.openai",
      { name: "x" },
      "Invalid configuration: model_providers contains reserved built-in provider IDs: `openai`. Built-in providers cannot be overridden. Rename your custom provider (for example, `openai-custom`).\nin `model_providers`\n",
    ],
  ])("to %j = %j is refused, and nothing is written", async (key, value, message) => {
    store("home/config.toml", original);
    expect(await refusal(write(key, value))).toEqual(["configValidationError", message]);
    expect(text()).toBe(original);
  });

  it("reaches no prototype", async () => {
    store("home/config.toml", original);
    await expect(write("__proto__.polluted", 1)).rejects.toThrow(ConfigWriteError);
    await expect(write("x", JSON.parse('{"__proto__": {"polluted": 1}}'))).rejects.toThrow(
      ConfigWriteError,
    );
    await expect(write("constructor.prototype.polluted", 1)).rejects.toThrow(ConfigWriteError);
    expect("polluted" in {}).toBe(false);
  });

  it("is whole: of a batch with a fault nothing is written", async () => {
    store("home/config.toml", original);
    const { edits } = change("model", "b");
    const batch = { ...change("", ""), edits: [...edits, ...change("model_provider", 5).edits] };
    expect((await refusal(editor().write(batch)))[0]).toBe("configValidationError");
    expect(text()).toBe(original);
  });

  it("is refused when the file is another one than the caller saw", async () => {
    store("home/config.toml", original);
    const made = editor();
    const { version } = await made.write(change("model", "b"));
    expect(version).toBe(createConfigReader(places()).layers().layers[0]?.version);
    const seen = { ...change("model", "c"), expectedVersion: version };
    const { version: next } = await made.write(seen);
    expect(next).not.toBe(version);
    expect(await refusal(made.write(seen))).toEqual([
      "configVersionConflict",
      "Configuration was modified since last read. Fetch latest version and retry.",
    ]);
    expect(text()).toContain('model = "c"');
  });

  it("goes to the user's file alone", async () => {
    store("home/config.toml", original);
    symlinkSync(file, at("link.toml"));
    for (const other of [at("other.toml"), "config.toml", at("etc/config.toml")])
      expect(await refusal(writeTo(other))).toEqual([
        "configLayerReadonly",
        "Only writes to the user config are allowed",
      ]);
    for (const same of [file, at("home/../home/config.toml"), at("link.toml")])
      expect((await writeTo(same)).filePath).toBe(same);
    expect(existsSync(at("other.toml"))).toBe(false);
  });

  it("says when a stronger layer hides it", async () => {
    store("etc/managed_config.toml", 'approval_policy = "on-request"\n');
    const made = editor("model_verbosity=high");
    const hidden = async (key: string, value: unknown) =>
      (await made.write(change(key, value))).overridden;
    expect(await hidden("approval_policy", "never")).toMatchObject({
      by: {
        name: { type: "legacyManagedConfigTomlFromFile", file: at("etc/managed_config.toml") },
      },
      value: "on-request",
    });
    expect(await hidden("model_verbosity", "low")).toMatchObject({
      by: { name: { type: "sessionFlags" } },
      value: "high",
    });
    expect(await hidden("approval_policy", "on-request")).toBeUndefined();
    expect(await hidden("model", "x")).toBeUndefined();
  });

  it("of a file that cannot be read is refused; one with a wrong value can be mended", async () => {
    store("home/config.toml", "model =\n");
    await expect(write("model", "x")).rejects.toThrow(ConfigError);
    store("home/config.toml", 'approval_policy = "zz"\n');
    expect((await refusal(write("model", "x")))[0]).toBe("configValidationError");
    await write("approval_policy", "never");
    expect(text()).toBe('approval_policy = "never"\n');
  });
});

describe("the file", () => {
  it("keeps its mode, and is for its owner alone when it is new", async () => {
    await write("model", "a");
    expect([mode(), text()]).toEqual([0o600, 'model = "a"\n']);
    chmodSync(file, 0o640);
    await write("model", "b");
    expect(mode()).toBe(0o640);
    expect(readdirSync(at("home"))).toEqual(["config.toml"]);
  });

  it("stays a symbolic link, to a file that is there or not", async () => {
    store("real.toml", 'model = "a"\n');
    symlinkSync("../real.toml", file);
    await write("model", "b");
    expect(readFileSync(at("real.toml"), "utf8")).toBe('model = "b"\n');
    rmSync(at("real.toml"));
    await write("model", "c");
    expect(readFileSync(at("real.toml"), "utf8")).toBe('model = "c"\n');
    expect(lstatSync(file).isSymbolicLink()).toBe(true);
  });

  it("loses nothing to writers at once, of one host and of several", async () => {
    store("home/config.toml", original);
    const writers = [editor(), editor(), editor()];
    const keys = Array.from({ length: 30 }, (_, index) => `k${index}`);
    await Promise.all(
      keys.map((key, index) => (writers[index % 3] ?? editor()).write(change(`all.${key}`, index))),
    );
    expect(createConfigReader(places()).read().raw["all"]).toEqual(
      Object.fromEntries(keys.map((key, index) => [key, index])),
    );
    expect(readdirSync(at("home"))).toEqual(["config.toml"]);
  });

  it("is written although a writer was killed: its lock and its half a file are swept", async () => {
    store("home/config.toml", original);
    store("home/config.toml.lock", "999999999 gone\n");
    store("home/.config.toml.01234567-89ab-cdef-0123-456789abcdef.part", "half");
    await write("model", "b");
    expect(readdirSync(at("home"))).toEqual(["config.toml"]);
  });
});

describe("trust", () => {
  beforeEach(() => {
    store("work/.git/HEAD", "");
    store("work/a/x", "");
  });

  it("is given to the root of the repository, with comments kept", async () => {
    store("home/config.toml", original);
    expect(await trust("work/a")).toBe(true);
    expect(text()).toBe(`${original}\n[projects."${at("work")}"]\ntrust_level = "trusted"\n`);
    expect([levelOf("work"), levelOf("work/a")]).toEqual(["trusted", "trusted"]);
  });

  it("is given to the folder itself outside of repositories, and to what a link names", async () => {
    store("plain/x", "");
    symlinkSync(at("plain"), at("link"));
    expect(await trust("link")).toBe(true);
    expect(text()).toContain(`[projects."${at("plain")}"]\ntrust_level = "trusted"\n`);
  });

  it("of a worktree is the main repository's", async () => {
    const git = (...args: readonly string[]): void => {
      execFileSync("git", ["-c", "user.email=a@example.com", "-c", "user.name=a", ...args], {
        cwd: at("main"),
        stdio: "ignore",
      });
    };
    mkdirSync(at("main"));
    git("init", "-q");
    git("commit", "-q", "--allow-empty", "-m", "x");
    git("worktree", "add", "-q", "../wt");
    expect(await trust("wt")).toBe(true);
    expect(text()).toContain(`[projects."${at("main")}"]`);
    expect(levelOf("wt")).toBe("trusted");
  });

  it.each(["trusted", "untrusted"])(
    "that is %s already stays so, whoever said it",
    async (level) => {
      const key = `projects."${at("work")}".trust_level`;
      expect(await trust("work/a", { [key]: level })).toBe(false);
      expect(await trust("work/a", {}, `${key}="${level}"`)).toBe(false);
      expect(existsSync(file)).toBe(false);
      store("home/config.toml", `[projects."${at("work")}"] # mine\ntrust_level = "${level}"\n`);
      const before = text();
      expect(await trust("work/a")).toBe(false);
      expect(text()).toBe(before);
    },
  );
});
