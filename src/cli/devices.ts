import { isRecord } from "../util/is-record.ts";
import { numberOf, rowsOf, textOf, textsOf } from "./answer.ts";
import { CliError } from "./cli-error.ts";
import { withHost } from "./control-client.ts";
import { homes } from "./homes.ts";
import type { Setting } from "./program.ts";
import { deviceCells as cells, deviceHead as head, textOr as text } from "./device-table.ts";
import { foreignTable, revokedForeigners } from "./foreign-access.ts";
import { printable, table } from "./table.ts";

export async function listDevices({ outside, version }: Setting, json: boolean): Promise<void> {
  const answer = await withHost(outside, homes(outside.env), version, (control) =>
    control.call("farhelm/devices/list", {}),
  );
  const rows = rowsOf(answer, "data");
  const revoked = revokedForeigners(answer);
  if (json) {
    outside.stdout.write(`${JSON.stringify([...rows, ...revoked], null, 2)}\n`);
    return;
  }
  outside.stdout.write(
    rows.length === 0
      ? 'No device is paired; "npx farhelm pair" makes a link.\n'
      : table(head, rows.map(cells)),
  );
  if (revoked.length > 0) outside.stdout.write(`\n${foreignTable(revoked)}`);
}

export async function renameDevice(
  { outside, version }: Setting,
  id: string,
  name: string,
): Promise<void> {
  const { device } = await withHost(outside, homes(outside.env), version, (control) =>
    control.call("farhelm/devices/change", { id, name }),
  );
  const shown = isRecord(device) ? printable(textOf(device, "name")) : name;
  outside.stdout.write(`${id} is now called ${shown}.\n`);
}

export async function revokeDevice({ outside, version }: Setting, id: string): Promise<void> {
  const answer = await withHost(outside, homes(outside.env), version, (control) =>
    control.call("farhelm/devices/revoke", { id }),
  );
  if (answer["was"] === "revoked") {
    outside.stdout.write(`${printable(id)} was revoked before; nothing changed.\n`);
    return;
  }
  if (answer["revoked"] !== true)
    throw new CliError(
      id.includes("|")
        ? `No issuer and no agent of farhelm.toml makes ${id}; nobody comes in by that id.`
        : `There is no device ${id}; "npx farhelm devices list" shows them.`,
    );
  outside.stdout.write(
    answer["was"] === "unknown"
      ? `Revoked ${printable(id)}; it was not in, and does not come in from now on.\n`
      : `Revoked ${printable(id)}; its connections are closed.\n`,
  );
}

export async function revokeAllDevices({ outside, version }: Setting): Promise<void> {
  const answer = await withHost(outside, homes(outside.env), version, (control) =>
    control.call("farhelm/devices/revoke", { all: true }),
  );
  const ids = textsOf(answer, "ids");
  outside.stdout.write(
    ids.length === 0
      ? "There was no device and no token to revoke.\n"
      : `Revoked ${ids.length}: ${ids.join(", ")}; their connections are closed.\n`,
  );
}

/** Shows who would come in; with `yes` lets them in again. */
export async function confirmRestore({ outside, version }: Setting, yes: boolean): Promise<void> {
  await withHost(outside, homes(outside.env), version, async (control) => {
    const { restored } = await control.call("farhelm/restore/read", {});
    if (!isRecord(restored)) {
      outside.stdout.write("This host is not locked; there is nothing to confirm.\n");
      return;
    }
    const rows = rowsOf(await control.call("farhelm/devices/list", {}), "data");
    outside.stdout.write(
      `This host's state is older than what ${text(restored["deviceId"])} knows of it ` +
        `(generation ${numberOf(restored, "generation")}, known ${numberOf(restored, "knownGeneration")}).\n` +
        "Access that was revoked since the backup may be back. These would come in:\n\n",
    );
    outside.stdout.write(table(head, rows.map(cells)));
    if (!yes) {
      outside.stdout.write(
        '\nRevoke who shall not come in ("npx farhelm devices revoke ID"), then run ' +
          '"npx farhelm devices confirm-restore --yes".\n',
      );
      return;
    }
    await control.call("farhelm/restore/confirm", {});
    outside.stdout.write("\nConfirmed: they may connect again.\n");
  });
}
