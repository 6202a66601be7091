import { isRecord } from "../util/is-record.ts";
import { numberOf, rowsOf, textOf } from "./answer.ts";
import { CliError } from "./cli-error.ts";
import { withHost, type Control } from "./control-client.ts";
import { homes } from "./homes.ts";
import type { Outside } from "./host.ts";
import { clock, endText, pairingText, requestText, type ShownPairing } from "./pairing-text.ts";
import type { Setting } from "./program.ts";
import { table } from "./table.ts";
import { parseTtl } from "./token.ts";

export interface PairFlags {
  readonly role: string;
  /** How long the new device's access lasts, as it was typed. */
  readonly guest?: string;
  readonly wait: boolean;
}

/**
 * Makes a pairing link. On a terminal it is shown with its QR code, its code and its deadline, and the
 * command waits for the device and asks whether it may come in. Otherwise the bare link stands on one line.
 */
export async function pair({ outside, version }: Setting, flags: PairFlags): Promise<void> {
  const { role, guest } = flags;
  const params = {
    role,
    ...(guest === undefined ? {} : { deviceTtlMs: parseTtl(guest, "--guest") }),
  };
  const { stdout, ask } = outside;
  await withHost(outside, homes(outside.env), version, async (control) => {
    const offer = await control.call("farhelm/pair/offer", params);
    const url = textOf(offer, "url");
    if (stdout.isTTY !== true) {
      stdout.write(`${url}\n`);
      return;
    }
    const id = textOf(offer, "id");
    const code = textOf(offer, "code");
    stdout.write(pairingText({ url, code, expiresAtMs: numberOf(offer, "expiresAtMs") }));
    if (!flags.wait || ask === undefined) {
      stdout.write(`\nThe device waits until "npx farhelm pair confirm ${id}".\n`);
      return;
    }
    stdout.write("\nWaiting for the device. Control-C takes the link back.\n");
    await attend({ outside, control, id, ask, stop: outside.untilAskedToStop() });
  });
}

interface Attendance {
  readonly outside: Outside;
  readonly control: Control;
  readonly id: string;
  readonly ask: NonNullable<Outside["ask"]>;
  readonly stop: Promise<void>;
}

/** Stays with one pairing until it has ended, and asks when a device waits. */
async function attend(with_: Attendance): Promise<void> {
  const { outside, control, id, stop } = with_;
  let lockTold = false;
  for (;;) {
    // Listens first and reads then: no change falls between.
    const changed = control.next("farhelm/pair/changed", (params) => isOf(params, id));
    changed.catch(() => {});
    const pairing = await find(control, id);
    const end = endText(pairing);
    if (end !== undefined) {
      outside.stdout.write(`${end}\n`);
      return;
    }
    if (pairing.phase === "locked" && !lockTold) {
      lockTold = true;
      outside.stdout.write("The code was tried too often and is dead; the link still works.\n");
    }
    const stopped =
      pairing.phase === "proved"
        ? await decide(with_, pairing, changed)
        : await Promise.race([changed.then(() => false), stop.then(() => true)]);
    if (stopped) {
      outside.stdout.write(await leave(control, pairing));
      return;
    }
  }
}

/** Asks about the device that waits, unless it is decided elsewhere first. True: Control-C. */
async function decide(
  { outside, control, id, ask, stop }: Attendance,
  pairing: ShownPairing,
  changed: Promise<unknown>,
): Promise<boolean> {
  outside.stdout.write(requestText(pairing));
  const over = new AbortController();
  const question = "Does the new device show these words, and is it yours? [y/N] ";
  const answer = ask(question, over.signal).then((text) => text.trim().toLowerCase());
  const first = await Promise.race([
    answer,
    changed.then(() => "changed" as const),
    stop.then(() => "stopped" as const),
  ]);
  if (first === "stopped") return true;
  if (first === "changed") {
    over.abort();
    await answer.catch(() => {});
    outside.stdout.write("\n");
    return false;
  }
  const yes = first === "y" || first === "yes";
  await control.call(yes ? "farhelm/pair/confirm" : "farhelm/pair/refuse", { id });
  return false;
}

/** What becomes of a pairing that nobody attends any more. */
async function leave(control: Control, { id, phase, expiresAtMs }: ShownPairing): Promise<string> {
  if (phase === "offered" || phase === "locked") {
    await control.call("farhelm/pair/cancel", { id });
    return "\nThe link was taken back.\n";
  }
  return `\nNothing was decided: the device waits until ${clock(expiresAtMs)}, or until "npx farhelm pair confirm ${id}" or "npx farhelm pair refuse ${id}".\n`;
}

export async function listPairings({ outside, version }: Setting, json: boolean): Promise<void> {
  const answer = await withHost(outside, homes(outside.env), version, (control) =>
    control.call("farhelm/pair/list", {}),
  );
  const rows = rowsOf(answer, "data");
  if (json) outside.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  else if (rows.length === 0)
    outside.stdout.write('No pairing is under way; "npx farhelm pair" makes a link.\n');
  else outside.stdout.write(table(head, rows.map(shown).map(cells)));
}

const verbs = {
  confirm: ["farhelm/pair/confirm", "Confirmed", "No device waits to be confirmed in"],
  refuse: ["farhelm/pair/refuse", "Refused", "No device waits in"],
  cancel: ["farhelm/pair/cancel", "Taken back:", "No unused link is in"],
} as const;

export async function decidePairing(
  { outside, version }: Setting,
  verb: keyof typeof verbs,
  id: string,
): Promise<void> {
  const [method, done, none] = verbs[verb];
  const answer = await withHost(outside, homes(outside.env), version, (control) =>
    control.call(method, { id }),
  );
  if (answer["done"] !== true)
    throw new CliError(`${none} the pairing ${id}; "npx farhelm pair list" shows them.`);
  outside.stdout.write(`${done} ${id}.\n`);
}

async function find(control: Control, id: string): Promise<ShownPairing> {
  const answer = await control.call("farhelm/pair/list", {});
  const found = rowsOf(answer, "data").find((row) => row["id"] === id);
  if (found === undefined) throw new CliError(`The host no longer knows the pairing ${id}.`);
  return shown(found);
}

const isOf = ({ pairing }: Readonly<Record<string, unknown>>, id: string): boolean =>
  isRecord(pairing) && pairing["id"] === id;

function shown(row: Readonly<Record<string, unknown>>): ShownPairing {
  const { request, because, deviceTtlMs } = row;
  const words = isRecord(request) ? request["words"] : undefined;
  return {
    id: textOf(row, "id"),
    phase: textOf(row, "phase"),
    role: textOf(row, "role"),
    expiresAtMs: numberOf(row, "expiresAtMs"),
    deviceTtlMs: typeof deviceTtlMs === "number" ? deviceTtlMs : null,
    because: typeof because === "string" ? because : null,
    request: isRecord(request)
      ? {
          deviceName: textOf(request, "deviceName"),
          address: textOf(request, "address"),
          way: textOf(request, "way"),
          fingerprint: typeof request["fingerprint"] === "string" ? request["fingerprint"] : "-",
          words: Array.isArray(words) ? words.join(" ") : "-",
        }
      : null,
  };
}

const head = ["ID", "PHASE", "UNTIL", "ROLE", "NAME", "ADDRESS", "KEY", "WORDS"];

const cells = ({ id, phase, expiresAtMs, role, request }: ShownPairing): string[] => [
  id,
  phase,
  `${new Date(expiresAtMs).toISOString().slice(0, 19)}Z`,
  role,
  request?.deviceName ?? "-",
  request?.address ?? "-",
  request?.fingerprint ?? "-",
  request?.words ?? "-",
];
