/** `$FARHELM_HOME/farhelm.toml`: what the owner of this host decides. Read once, at start; nothing in it is guessed. */
import { join } from "node:path";
import { z } from "zod";
import { Approvals } from "./approval-settings.ts";
import { Agents, Issuers } from "./issuer-settings.ts";
import { Policy } from "./policy-settings.ts";
import { ConfigError } from "./port.ts";
import { SandboxSettings } from "./sandbox-settings.ts";
import { Store } from "./store-settings.ts";
import { settingLine } from "./setting-line.ts";
import { TomlFile } from "./toml-file.ts";

const Settings = z.strictObject({
  /** Other issuers whose tokens are taken. */
  issuers: Issuers.default([]),
  /** Runtimes that come in with `Authorization: AgentAssertion`. */
  agents: Agents.default([]),
  /** Which approvals a device must sign. */
  approvals: Approvals.prefault({}),
  /** What operators may. */
  policy: Policy.prefault({}),
  /** How commands are confined. */
  sandbox: SandboxSettings.prefault({}),
  /** Where threads are kept. */
  store: Store.prefault({}),
});
export type HostSettings = z.infer<typeof Settings>;

/** Everything at its default when there is no file. Throws `ConfigError`: file, line, key, sentence, next step. */
export function readHostSettings(farhelmHome: string): HostSettings {
  const file = new TomlFile(join(farhelmHome, "farhelm.toml"));
  const { table, text } = file.read();
  const settings = Settings.safeParse(table, { reportInput: true });
  if (settings.success) return settings.data;
  const [issue] = settings.error.issues;
  const path = issue === undefined ? [] : pathOf(issue);
  const line = settingLine(text, path);
  const place = line === undefined ? file.path : `${file.path}:${line}`;
  throw new ConfigError(
    `${place}: ${keyOf(path)}: ${sentence(issue)}. Mend the file, or move it away to start without it; README.md lists the settings.`,
  );
}

type Issue = z.core.$ZodIssue;

/** An unknown key is named itself, not the table in which it stands. */
const pathOf = (issue: Issue): readonly PropertyKey[] =>
  issue.code === "unrecognized_keys" ? [...issue.path, ...issue.keys.slice(0, 1)] : issue.path;

/** `issuers[2].jwks_url`, counted from 1 as people count. */
function keyOf(path: readonly PropertyKey[]): string {
  const key = path
    .map((part) => (typeof part === "number" ? `[${part + 1}]` : `.${String(part)}`))
    .join("")
    .replace(/^\./, "");
  return `\`${key}\``;
}

/** Says what is wrong without repeating the value. Sentences of our own stand in the schemas. */
function sentence(issue: Issue | undefined): string {
  if (issue === undefined) return "it cannot be read";
  if (issue.code === "unrecognized_keys") return "there is no such setting";
  if (issue.code === "invalid_key") return sentence(issue.issues[0]);
  if (!issue.message.startsWith("Invalid ")) return issue.message;
  if (issue.input === undefined) return "it is missing";
  if (issue.code === "invalid_type")
    return `it must be ${kinds.get(issue.expected) ?? "another kind of value"}`;
  if (issue.code !== "invalid_value") return "it cannot be read";
  return `it must be one of ${issue.values.map((value) => JSON.stringify(value)).join(", ")}`;
}

const kinds: ReadonlyMap<string, string> = new Map([
  ["string", "a string"],
  ["number", "a number"],
  ["boolean", "true or false"],
  ["array", "a list"],
  ["object", "a table"],
  ["record", "a table"],
]);
