/** What `command/exec` and `process/spawn` have in common: commands of a connection, found by the client's own names for them. */
import { z } from "zod";
import type { CallerSession, Context } from "../dispatch/context.ts";
import { RpcError, invalidRequest } from "../protocol/errors.ts";
import type {
  commandExecOutputDelta,
  processOutputDelta,
} from "../protocol/connection-notifications.ts";
import type {
  ClientCommand,
  ClientProcess,
  CommandOutputListener,
  TerminalSize as Size,
} from "../tools/port.ts";
import { ClientCommandError } from "../tools/port.ts";
import { base64Bytes } from "./base64-bytes.ts";

/** So many commands of one connection may run at a time, of both families together. */
const maxRunning = 256;

export const defaultTimeoutMs = 10_000;
export const defaultCapBytes = 1024 * 1024;
export const defaultTerminalSize: Size = { rows: 24, cols: 80 };

const Cells = z.int().min(0).max(65_535);
export const TerminalSize = z.looseObject({ rows: Cells, cols: Cells });
export const CommandEnvironment = z.record(z.string(), z.string().nullable());

/** One of the two families: its names for things, which are kept apart, and its words. */
export interface CommandFamily {
  readonly name: "exec" | "process";
  /** The member that holds the client's name of a command. */
  readonly member: "processId" | "processHandle";
  readonly delta: typeof commandExecOutputDelta | typeof processOutputDelta;
  readonly duplicate: string;
  readonly unknown: string;
  /** What a command of the family is called where it takes no input. */
  readonly one: string;
  readonly notStarted: string;
  readonly writing: string;
  readonly sizes: string;
}

export interface NamedCommand {
  readonly family: CommandFamily;
  /** Undefined: the client has no name for it. */
  readonly id: string | undefined;
  readonly command: ClientCommand;
}

/** Starts it; it ends with the connection at the latest. */
export async function startCommand(
  context: Context,
  { family, id, command }: NamedCommand,
  onOutput: CommandOutputListener,
): Promise<ClientProcess> {
  const { processes, session } = context;
  const started = processes.start(session, freeKey(context, family, id), command, onOutput);
  const forget = session.onClosed(() => void started.then((running) => running.kill(), ignore));
  try {
    const running = await started;
    running.ended.then(forget, forget);
    return running;
  } catch (error) {
    forget();
    throw toRpcError(error, family);
  }
}

const ignore = (): void => undefined;

/** The names of both families, and those of commands without one, are kept apart by what stands before them. */
const keyOf = (family: CommandFamily, id: string): string => `${family.name} ${id}`;

function freeKey(
  { processes, session }: Context,
  family: CommandFamily,
  id: string | undefined,
): string {
  if (processes.count(session) >= maxRunning) {
    throw invalidRequest(
      `${maxRunning} commands of this connection are running; wait for one to end, or terminate one`,
    );
  }
  if (id === undefined) return `unnamed ${crypto.randomUUID()}`;
  if (!processes.find(session, keyOf(family, id))) return keyOf(family, id);
  throw invalidRequest(`${family.duplicate}: ${JSON.stringify(id)}`);
}

export async function activeCommand(
  { processes, session }: Context,
  family: CommandFamily,
  id: string,
): Promise<ClientProcess> {
  const found = processes.find(session, keyOf(family, id));
  if (found) {
    try {
      return await found;
    } catch {
      // it did not start, so there is none
    }
  }
  throw invalidRequest(`${family.unknown} ${JSON.stringify(id)}`);
}

/** Bytes for its standard input, the end of them, or both. */
export async function writeToCommand(
  context: Context,
  family: CommandFamily,
  id: string,
  input: { readonly deltaBase64?: string | null | undefined; readonly closeStdin: boolean },
): Promise<void> {
  const { deltaBase64, closeStdin } = input;
  const bytes =
    deltaBase64 === null || deltaBase64 === undefined ? undefined : base64Bytes(deltaBase64);
  if (!bytes && !closeStdin) {
    throw invalidParams(`${family.writing} requires deltaBase64 or closeStdin`);
  }
  const running = await activeCommand(context, family, id);
  if (!running.takesInput) {
    throw invalidRequest(`stdin streaming is not enabled for this ${family.one}`);
  }
  if (bytes && running.inputClosed) throw invalidRequest("stdin is already closed");
  if (bytes) write(running, bytes, family);
  if (closeStdin && !running.inputClosed) running.closeInput();
}

function write(running: ClientProcess, bytes: Buffer, family: CommandFamily): void {
  try {
    running.write(bytes);
  } catch (error) {
    throw toRpcError(error, family);
  }
}

export async function resizeCommand(
  context: Context,
  family: CommandFamily,
  id: string,
  size: Size,
): Promise<void> {
  checkSize(family, size);
  const running = await activeCommand(context, family, id);
  if (!running.hasTerminal) {
    throw invalidRequest("failed to resize PTY: process is not attached to a PTY");
  }
  running.resize(size);
}

export function checkSize(family: CommandFamily, { rows, cols }: Size): void {
  if (rows > 0 && cols > 0) return;
  throw invalidParams(`${family.sizes} size rows and cols must be greater than 0`);
}

/** Tells the connection of each piece. The constant parts of the notification are made once. */
export function toldTo(
  session: CallerSession,
  { member, delta }: CommandFamily,
  id: string,
): CommandOutputListener {
  const name = `{"${member}":${JSON.stringify(id)},"stream":`;
  const head = {
    stdout: `${name}"stdout","deltaBase64":"`,
    stderr: `${name}"stderr","deltaBase64":"`,
  };
  return (stream, bytes, capReached) =>
    session.tellBytes(delta, head[stream], bytes, `","capReached":${String(capReached)}}`);
}

export const invalidParams = (message: string): RpcError => new RpcError("invalidParams", message);

function toRpcError(error: unknown, { notStarted }: CommandFamily): unknown {
  if (!(error instanceof ClientCommandError)) return error;
  return error.kind === "refused"
    ? invalidRequest(error.message, error)
    : new RpcError("internal", `${notStarted}: ${error.message}`, { cause: error });
}
