import { rowsOf } from "./answer.ts";
import { CliError } from "./cli-error.ts";
import { withHost } from "./control-client.ts";
import { homes } from "./homes.ts";
import type { Setting } from "./program.ts";
import { table } from "./table.ts";

export async function listDevices({ outside, version }: Setting, json: boolean): Promise<void> {
  const answer = await withHost(outside, homes(outside.env), version, (control) =>
    control.call("farhelm/devices/list", {}),
  );
  const rows = rowsOf(answer, "data");
  if (json) outside.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  else if (rows.length === 0)
    outside.stdout.write('No device is paired; "npx farhelm pair" makes a link.\n');
  else outside.stdout.write(table(head, rows.map(cells)));
}

export async function revokeDevice({ outside, version }: Setting, id: string): Promise<void> {
  const answer = await withHost(outside, homes(outside.env), version, (control) =>
    control.call("farhelm/devices/revoke", { id }),
  );
  if (answer["revoked"] !== true)
    throw new CliError(`There is no device ${id}; "npx farhelm devices list" shows them.`);
  outside.stdout.write(`Revoked ${id}; its connections are closed.\n`);
}

const head = ["ID", "KIND", "NAME", "ROLE", "ADDED", "LAST SEEN", "EXPIRES", "FINGERPRINT"];

const cells = (row: Readonly<Record<string, unknown>>): string[] => [
  text(row["id"]),
  text(row["kind"]),
  text(row["name"]),
  text(row["role"]),
  time(row["createdAtMs"]),
  time(row["lastSeenAtMs"]),
  time(row["expiresAtMs"]),
  text(row["fingerprint"]),
];

const text = (value: unknown): string => (typeof value === "string" ? value : "-");

const time = (value: unknown): string =>
  typeof value === "number" ? `${new Date(value).toISOString().slice(0, 16)}Z` : "-";
