/** The run of one client's command, from its start to its end or to the connection's. */
import type { CallerSession, Context } from "../dispatch/context.ts";
import { RpcError, invalidRequest } from "../protocol/errors.ts";
import { commandExecOutputDelta } from "../protocol/connection-notifications.ts";
import type { ClientCommand, ClientProcess, CommandOutputListener } from "../tools/port.ts";
import { ClientCommandError } from "../tools/port.ts";
import type { CommandOutput } from "./command-output.ts";

/** So many commands of one connection may run at a time. */
const maxRunning = 256;

/** Runs it to its end, or to the connection's. Output goes to `kept`, or else to the client piece by piece. */
export async function runCommand(
  context: Context,
  processId: string | undefined,
  command: ClientCommand,
  kept: CommandOutput | undefined,
): Promise<number> {
  const { processes, session } = context;
  const id = freeId(context, processId);
  const overflow = new AbortController();
  const started = processes.start(
    session,
    id,
    command,
    kept ? keepIn(kept, overflow) : streamTo(session, processId ?? id),
  );
  const kill = (): void => void started.then((running) => running.kill(), ignore);
  overflow.signal.addEventListener("abort", kill);
  const forget = session.onClosed(kill);
  try {
    const running = await started;
    return await running.ended;
  } catch (error) {
    throw toRpcError(error);
  } finally {
    forget();
  }
}

const ignore = (): void => undefined;

/** Ids of clients and those of commands without one are kept apart by what stands before them. */
const keyOf = (processId: string): string => `exec ${processId}`;

function freeId({ processes, session }: Context, processId: string | undefined): string {
  if (processes.count(session) >= maxRunning) {
    throw invalidRequest(
      `${maxRunning} commands of this connection are running; wait for one to end, or terminate one`,
    );
  }
  if (processId === undefined) return `unnamed ${crypto.randomUUID()}`;
  if (!processes.find(session, keyOf(processId))) return keyOf(processId);
  throw invalidRequest(`duplicate active command/exec process id: ${JSON.stringify(processId)}`);
}

export async function activeCommand(
  { processes, session }: Context,
  processId: string,
): Promise<ClientProcess> {
  const found = processes.find(session, keyOf(processId));
  if (found) {
    try {
      return await found;
    } catch {
      // it did not start, so there is none
    }
  }
  throw invalidRequest(`no active command/exec for process id ${JSON.stringify(processId)}`);
}

export function writeInput(running: ClientProcess, bytes: Buffer): void {
  try {
    running.write(bytes);
  } catch (error) {
    throw toRpcError(error);
  }
}

/** The constant parts of the notification are made once. */
function streamTo(session: CallerSession, processId: string): CommandOutputListener {
  const head = {
    stdout: `{"processId":${JSON.stringify(processId)},"stream":"stdout","deltaBase64":"`,
    stderr: `{"processId":${JSON.stringify(processId)},"stream":"stderr","deltaBase64":"`,
  };
  return (stream, bytes, capReached) =>
    session.tellBytes(
      commandExecOutputDelta,
      head[stream],
      bytes,
      `","capReached":${String(capReached)}}`,
    );
}

const keepIn =
  (output: CommandOutput, overflow: AbortController): CommandOutputListener =>
  (stream, bytes) => {
    if (!output.add(stream, bytes)) overflow.abort();
    return undefined;
  };

function toRpcError(error: unknown): unknown {
  if (!(error instanceof ClientCommandError)) return error;
  return error.kind === "refused"
    ? invalidRequest(error.message, error)
    : new RpcError("internal", `failed to spawn command: ${error.message}`, { cause: error });
}
