/** Processes that clients start and leave running: `process/…`. Nothing confines them; they end with the connection. */
import { isAbsolute } from "node:path";
import { z } from "zod";
import type { Context } from "../dispatch/context.ts";
import { method } from "../dispatch/define.ts";
import type { ShellEnvironmentPolicy } from "../permissions/shell-environment.ts";
import { standardEnvironment } from "../permissions/shell-environment.ts";
import { invalidRequest } from "../protocol/errors.ts";
import { processExited, processOutputDelta } from "../protocol/connection-notifications.ts";
import type { ClientCommand, ClientProcess, CommandOutputListener } from "../tools/port.ts";
import { CommandOutput } from "./command-output.ts";
import {
  activeCommand,
  checkSize,
  CommandEnvironment,
  type CommandFamily,
  defaultCapBytes,
  defaultTerminalSize,
  defaultTimeoutMs,
  invalidParams,
  resizeCommand,
  startCommand,
  TerminalSize,
  toldTo,
  writeToCommand,
} from "./command-run.ts";
import { HeldOutput } from "./held-output.ts";

/** What is kept of each stream for `process/exited`, however many bytes were asked for. */
const maxKeptBytes = 2 * 1024 * 1024;

/** The same, as JSON: a connection that has this much unsent is still far from being closed. */
const maxToldBytes = 3 * 1024 * 1024;

const family: CommandFamily = {
  name: "process",
  member: "processHandle",
  delta: processOutputDelta,
  duplicate: "duplicate active process handle",
  unknown: "no active process for process handle",
  one: "process",
  notStarted: "failed to spawn process",
  writing: "process/writeStdin",
  sizes: "process",
};

const common = { stability: "experimental", role: "admin", grantedBy: "commands" } as const;

const Params = z.looseObject({
  command: z.array(z.string()),
  processHandle: z.string(),
  cwd: z.string().refine((path) => isAbsolute(path), { error: "a path must be absolute" }),
  tty: z.boolean().default(false),
  streamStdin: z.boolean().default(false),
  streamStdoutStderr: z.boolean().default(false),
  /** Absent: 1 MiB; null: none. */
  outputBytesCap: z.int().min(0).nullish(),
  /** Absent: 10 s; null: none. */
  timeoutMs: z.int().nullish(),
  env: CommandEnvironment.nullish(),
  size: TerminalSize.nullish(),
});
type Params = z.output<typeof Params>;

export const processSpawn = method({
  ...common,
  name: "process/spawn",
  params: Params,
  result: z.object({}),
  async handle(context, params) {
    check(params);
    const { processHandle: id } = params;
    const isStreamed = params.tty || params.streamStdoutStderr;
    const output = new ProcessOutput(isStreamed ? toldTo(context.session, family, id) : undefined);
    const held = new HeldOutput(output.listener);
    const command = commandOf(context, params, isStreamed);
    const running = await startCommand(context, { family, id, command }, held.listener);
    context.afterAnswer(() => {
      void held.release();
      void tellExit(context, id, running, held, output);
    });
    return {};
  },
});

function check({ command, processHandle, tty, size, timeoutMs }: Params): void {
  if (command.length === 0) throw invalidRequest("command must not be empty");
  if (processHandle === "") throw invalidRequest("processHandle must not be empty");
  if (size && !tty) throw invalidParams("process/spawn size requires tty: true");
  if (size) checkSize(family, size);
  if (timeoutMs !== undefined && timeoutMs !== null && timeoutMs < 0) {
    throw invalidParams(`process/spawn timeoutMs must be non-negative, got ${timeoutMs}`);
  }
}

function commandOf({ config }: Context, params: Params, isStreamed: boolean): ClientCommand {
  const { command, cwd, tty, size, streamStdin, timeoutMs, outputBytesCap } = params;
  const capBytes = outputBytesCap === undefined ? defaultCapBytes : (outputBytesCap ?? undefined);
  return {
    command,
    cwd,
    environmentPolicy: unshaped(config.read().environmentPolicy),
    env: params.env ?? {},
    terminal: tty ? (size ?? defaultTerminalSize) : undefined,
    takesInput: tty || streamStdin,
    outputBytesCap: isStreamed ? capBytes : Math.min(capBytes ?? maxKeptBytes, maxKeptBytes),
    timeoutMs: timeoutMs === undefined ? defaultTimeoutMs : (timeoutMs ?? undefined),
    limit: async () => undefined,
  };
}

/** The policy shapes what the agent sees. A person's own processes have all that the host has, but for secrets. */
const unshaped = ({
  ignoreDefaultExcludes,
  secretNames,
}: ShellEnvironmentPolicy): ShellEnvironmentPolicy => ({
  ...standardEnvironment,
  ignoreDefaultExcludes,
  secretNames,
});

async function tellExit(
  { session }: Context,
  processHandle: string,
  running: ClientProcess,
  held: HeldOutput,
  output: ProcessOutput,
): Promise<void> {
  const exitCode = await running.ended;
  await held.passed();
  session.tell(processExited, {
    processHandle,
    exitCode,
    outputDrainTimedOut: running.outputCut,
    ...output.summary(),
  });
}

/** What becomes of the output: told piece by piece, or kept for the end. */
class ProcessOutput {
  readonly #kept = new CommandOutput();
  readonly #capReached = { stdout: false, stderr: false };
  readonly listener: CommandOutputListener;

  constructor(tell: CommandOutputListener | undefined) {
    this.listener = (stream, bytes, capReached) => {
      this.#capReached[stream] ||= capReached;
      if (tell) return tell(stream, bytes, capReached);
      this.#kept.add(stream, bytes);
      return undefined;
    };
  }

  summary() {
    const [stdout, stderr] = [this.#kept.text("stdout"), this.#kept.text("stderr")];
    const [toldOut, toldErr] = [fitting(stdout), fitting(stderr)];
    return {
      stdout: toldOut,
      stdoutCapReached: this.#capReached.stdout || toldOut.length < stdout.length,
      stderr: toldErr,
      stderrCapReached: this.#capReached.stderr || toldErr.length < stderr.length,
    };
  }
}

/** As much from the beginning as a notification has room for: control characters take six bytes each there. */
function fitting(text: string): string {
  const bytes = Buffer.byteLength(JSON.stringify(text));
  if (bytes <= maxToldBytes) return text;
  return fitting(text.slice(0, Math.floor((text.length * maxToldBytes) / bytes)));
}

export const processWriteStdin = method({
  ...common,
  name: "process/writeStdin",
  params: z.looseObject({
    processHandle: z.string(),
    deltaBase64: z.string().nullish(),
    closeStdin: z.boolean().default(false),
  }),
  result: z.object({}),
  async handle(context, { processHandle, ...input }) {
    await writeToCommand(context, family, processHandle, input);
    return {};
  },
});

export const processResizePty = method({
  ...common,
  name: "process/resizePty",
  params: z.looseObject({ processHandle: z.string(), size: TerminalSize }),
  result: z.object({}),
  async handle(context, { processHandle, size }) {
    await resizeCommand(context, family, processHandle, size);
    return {};
  },
});

export const processKill = method({
  ...common,
  name: "process/kill",
  params: z.looseObject({ processHandle: z.string() }),
  result: z.object({}),
  async handle(context, { processHandle }) {
    const running = await activeCommand(context, family, processHandle);
    running.kill();
    return {};
  },
});
