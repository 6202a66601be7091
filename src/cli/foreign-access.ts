/** Those of other issuers whom this host keeps out: what an admin does about them, and how they are shown. */
import { isRecord } from "../util/is-record.ts";
import { textsOf } from "./answer.ts";
import { CliError } from "./cli-error.ts";
import { withHost } from "./control-client.ts";
import { textOr, time } from "./device-table.ts";
import { homes } from "./homes.ts";
import type { Setting } from "./program.ts";
import { printable, table } from "./table.ts";

/** One identity by its id (`iss|sub`), or all of an account. */
export type ForeignName = { readonly id: string } | { readonly account: string };

export async function revokeAccount({ outside, version }: Setting, account: string): Promise<void> {
  const answer = await withHost(outside, homes(outside.env), version, (control) =>
    control.call("farhelm/devices/revoke", { account }),
  );
  const shown = `the account ${printable(account)}`;
  if (answer["revoked"] !== true) {
    if (answer["was"] !== "revoked") throw new CliError(`The host did not revoke ${shown}.`);
    outside.stdout.write(`${capital(shown)} was revoked before; nothing changed.\n`);
    return;
  }
  const ids = textsOf(answer, "ids").map(printable);
  outside.stdout.write(
    ids.length === 0
      ? `Revoked ${shown}; nobody of it was in, and nobody of it comes in from now on.\n`
      : `Revoked ${shown}; the connections of ${ids.join(", ")} are closed.\n`,
  );
}

export async function restoreForeign(
  { outside, version }: Setting,
  name: ForeignName,
): Promise<void> {
  const { restored } = await withHost(outside, homes(outside.env), version, (control) =>
    control.call("farhelm/devices/restore", name),
  );
  const shown = "id" in name ? printable(name.id) : `the account ${printable(name.account)}`;
  if (restored === true) {
    outside.stdout.write(`Restored ${shown}; what farhelm.toml gives holds again.\n`);
    return;
  }
  if ("id" in name && !name.id.includes("|")) {
    throw new CliError(
      `${shown} is no identity of another issuer; a device comes back by "npx farhelm pair".`,
    );
  }
  outside.stdout.write(`${capital(shown)} was not revoked; nothing changed.\n`);
}

type Shown = Readonly<Record<string, unknown>>;

/** An older host answers without them. */
export const revokedForeigners = ({ revoked }: Shown): readonly Shown[] =>
  Array.isArray(revoked) ? revoked.filter(isRecord) : [];

export const foreignTable = (rows: readonly Shown[]): string =>
  table(
    ["REVOKED", "KIND", "SINCE"],
    rows.map(({ id, kind, revokedAtMs }) => [textOr(id), textOr(kind), time(revokedAtMs)]),
  );

const capital = (text: string): string => text.replace(/^the /, "The ");
