import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli } from "../unit/cli/fake-outside.ts";
import { root } from "./tree.ts";

const read = (name: string): string => readFileSync(join(root, name), "utf8");
const pages = ["README.md", "ARCHITECTURE.md", "REVIEW.md", "certs/README.md"];
const readme = read("README.md");

/** The lines of all fenced shell blocks; a command substitution is a command of its own. */
const commands = [...readme.matchAll(/^```sh\n(?<block>[^]*?)^```$/gm)]
  .flatMap(({ groups }) => groups?.["block"]?.trim().split("\n") ?? [])
  .map((line) => /^export \w+=\$\((?<inner>.+)\)$/.exec(line)?.groups?.["inner"] ?? line);

const startingWith = (lead: string): string[] =>
  commands.filter((command) => command.startsWith(`${lead} `)).map((c) => c.slice(lead.length + 1));

/** Programs that are not ours and not here: their lines are held to the letter. */
const foreign = new Set([
  "codex --remote ws://127.0.0.1:7420 --remote-auth-token-env FARHELM_TOKEN",
  "codex --remote unix://$HOME/.farhelm/attach/devbox-7420.sock",
  "docker compose up --build --detach",
  "FARHELM_STORE=postgres POSTGRES_PASSWORD=SECRET docker compose --profile postgres up --build --detach",
]);

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "farhelm-readme-"));
});
afterAll(() => {
  rmSync(home, { recursive: true });
});

describe("README", () => {
  test("has commands, and each is of a kind that is checked here", () => {
    expect(commands.length).toBeGreaterThan(15);
    const unknown = commands.filter(
      (command) => !/^(?:npm|npx farhelm) /.test(command) && !foreign.has(command),
    );
    expect(unknown).toEqual([]);
  });

  test.each(startingWith("npm"))("npm %s is a script", (words) => {
    const scripts: unknown = JSON.parse(read("package.json")).scripts;
    expect(scripts).toHaveProperty([words.replace(/^run /, "")]);
  });

  test.each(startingWith("npx farhelm"))("npx farhelm %s runs", async (words) => {
    const argv = words.split(" ").map((word) => word.replace("~/projects/thing", "/"));
    const { code, out, err } = await runCli(argv, {
      env: { HOME: home, PATH: process.env["PATH"] },
    });
    if (err.startsWith("farhelm: No host is running")) return;
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).not.toBe("");
  });

  test("a command that does not exist would not pass", async () => {
    expect(await runCli(["fly"])).toMatchObject({ code: 1, err: expect.stringContaining("fly") });
    expect(await runCli(["up", "--fast"])).toMatchObject({
      code: 1,
      err: expect.stringContaining("--fast"),
    });
  });

  test("names every command of the program", async () => {
    const { out } = await runCli(["--help"]);
    const known = [...out.matchAll(/^ {2}(?<name>[a-z]+)\b.* {2}/gm)].map(
      (m) => m.groups?.["name"],
    );
    expect(known).toEqual(expect.arrayContaining(["up", "pair", "token", "devices", "doctor"]));
    const missing = known.filter(
      (name) =>
        name !== "help" && !startingWith("npx farhelm").some((c) => c.split(" ")[0] === name),
    );
    expect(missing).toEqual([]);
  });

  test("names every flag of up", async () => {
    const { out } = await runCli(["up", "--help"]);
    const flags = [...out.matchAll(/--[a-z-]+/g)].map(([flag]) => flag);
    const hidden = new Set(["--config", "--help"]);
    expect(flags.filter((flag) => !readme.includes(flag) && !hidden.has(flag))).toEqual([]);
  });

  test("its security section has ten lines", () => {
    const section = /## Security in ten lines\n\n(?<lines>[^]*?)\n\n## /.exec(readme)?.groups?.[
      "lines"
    ];
    expect(section?.split("\n").map((line) => line.split(".")[0])).toEqual(
      Array.from({ length: 10 }, (_, index) => `${index + 1}`),
    );
  });
});

test.each(pages)("pictures and files that %s names exist", (page) => {
  const text = read(page);
  const pictures = [...text.matchAll(/!\[[^\]]*\]\((?<path>[^)]+)\)/g)];
  const files = [...text.matchAll(/`(?<path>(?:src|test|scripts|certs)\/[\w./-]+|[A-Z]+\.md)`/g)];
  const missing = [...pictures, ...files]
    .map(({ groups }) => groups?.["path"] ?? "")
    .filter((path) => !existsSync(join(root, path)) && path !== "certs/farhelm-dev-ca.crt");
  expect(missing).toEqual([]);
});
