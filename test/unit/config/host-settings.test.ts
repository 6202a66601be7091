import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readHostSettings } from "../../../src/config/host-settings.ts";
import { ConfigError } from "../../../src/config/port.ts";

let home: string;
let file: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "farhelm-settings-"));
  file = join(home, "farhelm.toml");
});
afterEach(() => rmSync(home, { recursive: true }));

const settings = (...lines: readonly string[]) => {
  writeFileSync(file, lines.join("\n"));
  return readHostSettings(home);
};

/** Place and key, and the sentence; the next step is the same for all. */
const refusal = (...lines: readonly string[]): string => {
  try {
    settings(...lines);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const step =
      " Mend the file, or move it away to start without it; README.md lists the settings.";
    expect(error.message).toContain(file);
    expect(error.message.endsWith(step)).toBe(true);
    return error.message.replace(file, "").replace(step, "");
  }
  throw new Error("nothing was refused");
};

const issuer = [
  "[[issuers]]",
  'iss = "https://id.example.com"',
  'aud = "farhelm"',
  'jwks_url = "https://id.example.com/keys"',
  'algorithms = ["ES256"]',
];
const withSubject = [...issuer, "[issuers.subjects]", 'alice = "operator"'];

describe("farhelm.toml", () => {
  it("may be missing, and may be empty", () => {
    const policy = { operatorCommands: "confined", operatorFiles: true };
    const approvals = { signed: [], signedRoles: [] };
    const own = { policy, sandbox: { privateTmp: false }, store: { kind: "local" } };
    const nothing = { issuers: [], agents: [], approvals, ...own };
    expect(readHostSettings(home)).toEqual(nothing);
    expect(settings("# nothing yet")).toEqual(nothing);
  });

  it("names issuers with what is left out filled in", () => {
    expect(settings(...withSubject).issuers).toEqual([
      {
        iss: "https://id.example.com",
        aud: "farhelm",
        jwks: { url: "https://id.example.com/keys" },
        algorithms: ["ES256"],
        types: undefined,
        claims: { subject: ["sub"], account: undefined, roles: undefined },
        subjects: new Map([["alice", "operator"]]),
        accounts: new Map(),
        roles: new Map(),
        remote: false,
        refreshMs: 300_000,
        maxStaleMs: 3_600_000,
      },
    ]);
  });

  it("takes every setting of an issuer", () => {
    const { issuers } = settings(
      ...issuer.slice(0, 3),
      'jwks_file = "keys.json"',
      'algorithms = ["RS256", "EdDSA"]',
      'types = ["at+jwt"]',
      "remote = true",
      "refresh_seconds = 60",
      "max_stale_seconds = 0",
      "[issuers.claims]",
      'subject = "email"',
      'account = "https://example.com/org"',
      'roles = ["realm_access", "roles"]',
      "[issuers.subjects]",
      '"alice@example.com" = "admin"',
      "[issuers.accounts]",
      'acme = "claim"',
      "[issuers.roles]",
      'helm = "operator"',
    );
    expect(issuers).toEqual([
      {
        iss: "https://id.example.com",
        aud: "farhelm",
        jwks: { file: "keys.json" },
        algorithms: ["RS256", "EdDSA"],
        types: ["at+jwt"],
        claims: {
          subject: ["email"],
          account: ["https://example.com/org"],
          roles: ["realm_access", "roles"],
        },
        subjects: new Map([["alice@example.com", "admin"]]),
        accounts: new Map([["acme", "claim"]]),
        roles: new Map([["helm", "operator"]]),
        remote: true,
        refreshMs: 60_000,
        maxStaleMs: 0,
      },
    ]);
  });

  it("knows the audience, algorithm and claims of stock AgentIdentity tokens", () => {
    const { issuers } = settings(
      "[[issuers]]",
      'iss = "https://chatgpt.com/codex-backend/agent-identity"',
      'jwks_url = "http://127.0.0.1:8080/keys"',
      'accounts = { "acct-1" = "viewer" }',
    );
    expect(issuers).toMatchObject([
      {
        aud: "codex-app-server",
        algorithms: ["RS256"],
        claims: { subject: ["agent_runtime_id"], account: ["account_id"], roles: undefined },
      },
    ]);
  });

  it("names agent runtimes", () => {
    const publicKeySpkiBase64 = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";
    const { agents } = settings(
      "[[agents]]",
      'id = "runtime-1"',
      `public_key = "${publicKeySpkiBase64}"`,
      'account = "acct-1"',
      'role = "operator"',
    );
    expect(agents).toEqual([
      { runtimeId: "runtime-1", publicKeySpkiBase64, account: "acct-1", role: "operator" },
    ]);
  });
});

describe("[approvals]", () => {
  it.each<[string, readonly string[]]>([
    ['"never"', []],
    ['"always"', ["command", "escalated", "fileChange", "permissions"]],
    ["[]", []],
    ['["escalated", "fileChange"]', ["escalated", "fileChange"]],
  ])("signed = %s", (value, signed) => {
    expect(settings("[approvals]", `signed = ${value}`).approvals).toEqual({
      signed,
      signedRoles: [],
    });
  });

  it("names roles that always sign", () => {
    expect(settings("[approvals]", 'signed_roles = ["approver"]').approvals).toEqual({
      signed: [],
      signedRoles: ["approver"],
    });
  });

  const forms =
    'it must be "never", "always" or a list of "command", "escalated", "fileChange", "permissions".';
  it.each<[string, string]>([
    ['signed = "sometimes"', `:2: \`approvals.signed\`: ${forms}`],
    ["signed = true", `:2: \`approvals.signed\`: ${forms}`],
    ['signed = ["network"]', `:2: \`approvals.signed\`: ${forms}`],
    [
      'signed_roles = ["viewer"]',
      ':2: `approvals.signed_roles[1]`: it must be one of "approver", "operator", "admin".',
    ],
    ["sign = true", ":2: `approvals.sign`: there is no such setting."],
  ])("refuses %s", (line, expected) => {
    expect(refusal("[approvals]", line)).toBe(expected);
  });
});

describe("the farhelm.toml of README.md", () => {
  it("is one that a host starts with", () => {
    const readme = readFileSync(new URL("../../../README.md", import.meta.url), "utf8");
    const blocks = readme.match(/(?<=^```toml\n)[^]*?(?=^```$)/gm) ?? [];
    const { issuers, agents } = settings(...blocks);
    expect(
      issuers.map(({ iss, subjects, accounts }) => [iss, [...subjects], [...accounts]]),
    ).toEqual([
      ["https://id.example.com", [["alice", "admin"]], [["acme", "claim"]]],
      ["https://chatgpt.com/codex-backend/agent-identity", [], [["your-account-id", "operator"]]],
    ]);
    expect(agents.map(({ runtimeId }) => runtimeId)).toEqual(["build-agent"]);
  });
});

describe("a farhelm.toml that is wrong", () => {
  it("is refused with the place where it is no TOML", () => {
    writeFileSync(file, "[[issuers]]\niss = nothing\n");
    expect(() => readHostSettings(home)).toThrow(`${file}:2:`);
  });

  it.each<[string, string, readonly string[]]>([
    [":1: `isuers`: there is no such setting.", "an unknown table", ["[isuers]", "x = 1"]],
    [
      ":5: `issuers[1].algorithm`: there is no such setting.",
      "an unknown key",
      [...issuer.slice(0, 4), 'algorithm = "ES256"'],
    ],
    [
      ":2: `issuers`: it must be a list.",
      "one table where many belong",
      ["", "[issuers]", 'iss = "x"'],
    ],
    [":2: `issuers[1].iss`: it must be a string.", "a wrong kind", ["[[issuers]]", "iss = 1"]],
    [":1: `issuers[1].iss`: it is missing.", "no iss", ["[[issuers]]", 'aud = "x"']],
  ])("%s", (expected, _what, lines) => {
    expect(refusal(...lines)).toBe(expected);
  });

  it.each<[string, string]>([
    ['iss = ""', "`issuers[1].iss`: it is empty."],
    ['iss = "a|b"', "`issuers[1].iss`: it has a `|`, which separates issuer and subject."],
    [
      'iss = "urn:farhelm:host:x"',
      "`issuers[1].iss`: it is the name of a Farhelm host; hosts do not vouch for each other.",
    ],
    ['aud = ["a", "b"]', "`issuers[1].aud`: it must be a string."],
    ["algorithms = []", "`issuers[1].algorithms`: it is empty."],
    ['algorithms = "ES256"', "`issuers[1].algorithms`: it must be a list."],
    [
      'algorithms = ["PS256"]',
      '`issuers[1].algorithms[1]`: it must be one of "RS256", "ES256", "EdDSA".',
    ],
    [
      'algorithms = ["HS256"]',
      '`issuers[1].algorithms[1]`: it must be one of "RS256", "ES256", "EdDSA".',
    ],
    ["types = []", "`issuers[1].types`: it is empty."],
    [
      'types = ["farhelm-device+jwt"]',
      "`issuers[1].types[1]`: it is a type of the host's own tokens.",
    ],
    [
      'jwks_url = "http://id.example.com/keys"',
      "`issuers[1].jwks_url`: it must be https; http is for loopback alone.",
    ],
    [
      'jwks_url = "http://127.evil.example/keys"',
      "`issuers[1].jwks_url`: it must be https; http is for loopback alone.",
    ],
    [
      'jwks_url = "file:///etc/passwd"',
      "`issuers[1].jwks_url`: it must be https; http is for loopback alone.",
    ],
    ['jwks_url = "keys"', "`issuers[1].jwks_url`: it is no URL."],
    [
      'jwks_url = "https://user:secret@id.example.com/"',
      "`issuers[1].jwks_url`: it has a user, a password or a fragment.",
    ],
    [
      'jwks_file = "x"',
      "`issuers[1].jwks_url`: exactly one of `jwks_url` and `jwks_file` must be there.",
    ],
    ["subjects = {}", "`issuers[1].subjects`: it is empty."],
    [
      'subjects = { alice = "root" }',
      '`issuers[1].subjects.alice`: it must be one of "viewer", "approver", "operator", "admin", "claim".',
    ],
    [
      'subjects = { alice = "claim" }',
      '`issuers[1].roles`: "claim" needs `claims.roles` and the table `roles`.',
    ],
    [
      'accounts = { acme = "viewer" }',
      "`issuers[1].claims`: `account` is missing: the name of the claim that holds the account.",
    ],
    [
      'roles = { a = "viewer" }',
      '`issuers[1].roles`: it is never used: no subject and no account has "claim" as its role.',
    ],
    [
      "claims = { subject = 1 }",
      "`issuers[1].claims.subject`: it must be the name of a claim, or a list of names from the outside in.",
    ],
    [
      "refresh_seconds = 0",
      "`issuers[1].refresh_seconds`: it must be a whole number from 1 to 86400.",
    ],
    [
      "max_stale_seconds = 1.5",
      "`issuers[1].max_stale_seconds`: it must be a whole number from 0 to 604800.",
    ],
  ])("%s is refused at its line", (line, expected) => {
    const key = line.split(" ")[0] ?? "";
    const before = issuer.filter((other) => !other.startsWith(`${key} `));
    const subjects = key === "subjects" ? [] : ['subjects = { alice = "viewer" }'];
    expect(refusal(...before, ...subjects, line)).toContain(`: ${expected}`);
  });

  it("says that an issuer without subjects and accounts lets nobody in", () => {
    expect(refusal(...issuer)).toBe(
      ":1: `issuers[1].subjects`: nobody is let in: name each subject or account and its role.",
    );
  });

  it("counts the tables: the second issuer's fault is at its line, and one iss stands once", () => {
    expect(refusal(...withSubject, ...issuer, 'types = ["farhelm-x"]')).toContain(
      ":13: `issuers[2].types[1]`",
    );
    expect(refusal(...withSubject, "", ...withSubject)).toBe(
      ":10: `issuers[2].iss`: it stands twice.",
    );
  });

  it.each<[string, string]>([
    ['aud = "other"', "tokens of this issuer are for `codex-app-server`"],
    ['algorithms = ["ES256"]', "tokens of this issuer are signed with RS256"],
    [
      'subjects = { "a:b" = "viewer" }',
      "an id has a `:`, which separates the parts of what is signed",
    ],
  ])("stock AgentIdentity tokens with %s do not exist", (line, expected) => {
    const text = refusal(
      "[[issuers]]",
      'iss = "https://chatgpt.com/codex-backend/agent-identity"',
      'jwks_url = "https://chatgpt.com/keys"',
      'accounts = { acct = "viewer" }',
      line,
    );
    expect(text).toContain(expected);
  });

  it.each<[string, string]>([
    ['id = "a:b"', "it has a `:`"],
    ['public_key = "AAAA"', "it is no Ed25519 public key"],
    ['role = "claim"', "it must be one of"],
    ["account = 1", "it must be a string"],
  ])("an agent with %s is refused", (line, expected) => {
    const agent = [
      'id = "runtime-1"',
      'public_key = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="',
      'account = "acct-1"',
      'role = "operator"',
    ].filter((other) => !other.startsWith(`${line.split(" ")[0]} `));
    expect(refusal("[[agents]]", ...agent, line)).toContain(expected);
    expect(refusal("[[agents]]", ...agent.slice(1))).toContain("is missing");
  });
});
