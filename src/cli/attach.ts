import { hostname } from "node:os";
import { resolve } from "node:path";
import { Unreachable } from "../client/auth-calls.ts";
import { Refused } from "../client/refused.ts";
import { CliError } from "./cli-error.ts";
import { homes } from "./homes.ts";
import type { Attachment, Outside } from "./host.ts";
import { clock } from "./pairing-text.ts";
import type { Setting } from "./program.ts";
import { printable } from "./table.ts";

export interface AttachFlags {
  readonly socket?: string;
  readonly name?: string;
}

/** Holds a device key for clients on this machine, until asked to stop or until the host lets it in no more. */
export async function attach(
  { outside, startedIn }: Setting,
  address: string,
  flags: AttachFlags,
): Promise<void> {
  const stop = outside.untilAskedToStop();
  const stopping = new AbortController();
  void stop.then(() => stopping.abort(new CliError("Stopped before this machine was paired.")));
  const attachment = await begin(outside, {
    address,
    farhelmHome: homes(outside.env).farhelmHome,
    socketPath: flags.socket === undefined ? undefined : resolve(startedIn, flags.socket),
    deviceName: (flags.name ?? `attach on ${hostname()}`).slice(0, 80),
    signal: stopping.signal,
    onWait: ({ words, untilMs }) => {
      outside.stdout.write(waiting(words, untilMs));
    },
    onRefused: (error) => {
      outside.stderr.write(`A client was not let through: ${sentence(error)}\n`);
    },
  });
  try {
    outside.stdout.write(ready(attachment));
    const end = await Promise.race([attachment.ended, stop]);
    if (end instanceof Error) throw new CliError(sentence(end), { cause: end });
  } finally {
    await attachment.close();
  }
}

async function begin(
  outside: Outside,
  options: Parameters<Outside["attach"]>[0],
): Promise<Attachment> {
  try {
    return await outside.attach(options);
  } catch (cause) {
    if (cause instanceof Refused || cause instanceof Unreachable) {
      throw new CliError(sentence(cause), { cause });
    }
    throw cause;
  }
}

/** What is wrong, what to do, and the code for those who look it up. */
function sentence(error: Error): string {
  if (error instanceof Refused) {
    return printable(`${error.message} ${error.nextStep} (${error.code})`);
  }
  if (!(error instanceof Unreachable)) return printable(error.message);
  const { cause } = error;
  const why = cause instanceof Error ? ` (${cause.message.split("\n", 1)[0]})` : "";
  return printable(`${error.message}${why} Check the address, and whether the host runs.`);
}

const waiting = (words: readonly string[], untilMs: number): string =>
  [
    "",
    "An admin of the host must confirm this machine. The host shows these words, too:",
    "",
    `  ${words.join(" ")}`,
    "",
    `If it shows others, somebody stands in between: have it refused. Waiting until ${clock(untilMs)}; Control-C gives up.`,
    "",
    "",
  ].join("\n");

const ready = ({ origin, socketPath, isNew }: Attachment): string =>
  [
    `${isNew ? "Paired, and attached" : "Attached"} to ${origin}. Until this ends, the stock client comes in with`,
    "",
    `  codex --remote unix://${socketPath}`,
    "",
    ...(isNew ? [`From now on the address will do: npx farhelm attach ${origin}`, ""] : []),
    "",
  ].join("\n");
