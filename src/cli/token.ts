import { textOf } from "./answer.ts";
import { CliError } from "./cli-error.ts";
import { withHost } from "./control-client.ts";
import { homes } from "./homes.ts";
import type { Setting } from "./program.ts";

const unitsMs = new Map([
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

/** Milliseconds of `45s`, `15m`, `12h` or `30d`. */
export function parseTtl(text: string, flag = "--ttl"): number {
  const [, count = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ttlMs = Number(count) * (unitsMs.get(unit) ?? 0);
  if (ttlMs === 0)
    throw new CliError(`${flag} ${text} is not a time; examples are 45s, 15m, 12h and 30d.`);
  return ttlMs;
}

/** Prints the token, and nothing else, on one line. */
export async function token(
  { outside, version }: Setting,
  options: { readonly name: string; readonly role: string; readonly ttl: string },
): Promise<void> {
  const { name, role, ttl } = options;
  const ttlMs = parseTtl(ttl);
  const issued = await withHost(outside, homes(outside.env), version, (control) =>
    control.call("farhelm/token/issue", { name, role, ttlMs }),
  );
  outside.stdout.write(`${textOf(issued, "token")}\n`);
}
