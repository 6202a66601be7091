/** The name of this host, and rules that are for some hosts only. */
import { execFileSync } from "node:child_process";
import { hostname } from "node:os";
import { wildcardMatches } from "../util/wildcard.ts";

/** A resolver that does not answer must not keep the host from starting. */
const resolveMs = 2_000;

/** The full name, as the resolver gives it; where it gives none, the name that the kernel has. Asked for once. */
export function hostNameOnce(): () => string {
  let name: string | undefined;
  return () => (name ??= cleaned(fullName() ?? hostname()));
}

/** Whether one of `patterns` (`*` any characters, `?` one) is the whole name, whatever the case. */
export function hostMatches(patterns: readonly string[], hostName: () => string): boolean {
  return patterns.some((pattern) => wildcardMatches(cleaned(pattern), hostName()));
}

function fullName(): string | undefined {
  try {
    const said = execFileSync("hostname", ["-f"], {
      timeout: resolveMs,
      stdio: ["ignore", "pipe", "ignore"],
      encoding: "utf8",
    }).trim();
    return said === "" || said === "localhost" ? undefined : said;
  } catch {
    return undefined;
  }
}

const cleaned = (name: string): string => name.trim().replace(/\.+$/, "").toLowerCase();
