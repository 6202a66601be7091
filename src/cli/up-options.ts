import { realpathSync, statSync } from "node:fs";
import { isIP } from "node:net";
import { relative, resolve, isAbsolute } from "node:path";
import { CliError } from "./cli-error.ts";
import type { HostOptions } from "./host.ts";

/** `HOST:PORT`, `[::1]:PORT` or `PORT`; port 0 lets the system choose. */
export function parseListen(text: string): HostOptions["listen"] {
  const parts = /^(?:(?:\[(?<six>[^\]]+)\]|(?<name>[^:]*)):)?(?<port>\d{1,5})$/.exec(text)?.groups;
  const port = Number(parts?.["port"]);
  const host = parts?.["six"] ?? parts?.["name"] ?? "127.0.0.1";
  const fine = parts !== undefined && port <= 65_535 && host !== "";
  if (!fine || (parts["six"] !== undefined && isIP(host) !== 6))
    throw new CliError(`--listen ${text} is not HOST:PORT; an example is 127.0.0.1:7420.`);
  return { host, port };
}

/** An origin and nothing else: scheme, host, port. */
export function parseOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const bare = url !== undefined && ["http:", "https:"].includes(url.protocol);
  if (!bare || url.href !== `${url.origin}/`)
    throw new CliError(
      `--public-origin ${text} is not an origin; an example is https://farhelm.example.com.`,
    );
  return url.origin;
}

export function parseOverride(text: string): string {
  if (!/^[^=\s]+\s*=/.test(text))
    throw new CliError(`-c ${text} is not KEY=VALUE; an example is -c model=gpt-5.`);
  return text;
}

/**
 * The agent's folder when a client names none: `--cwd`, else the folder of the start, but never
 * Farhelm's own clone: there it is the user's home.
 */
export function defaultCwd(
  asked: string | undefined,
  startedIn: string,
  clone: string,
  home: string,
): string {
  if (asked === undefined) return isInside(startedIn, clone) ? home : startedIn;
  const folder = resolve(startedIn, asked);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new CliError(`--cwd ${folder} is not a folder; create it or name another one.`);
  return folder;
}

function isInside(folder: string, parent: string): boolean {
  const path = relative(realpathSync(parent), realpathSync(folder));
  return path === "" || (!path.startsWith("..") && !isAbsolute(path));
}
