/** Commands that clients run by themselves, outside of any thread. They belong to the connection and end with it. */
import { resolve } from "node:path";
import { z } from "zod";
import type { Context } from "../dispatch/context.ts";
import { method } from "../dispatch/define.ts";
import { commandExecOutputDelta } from "../protocol/connection-notifications.ts";
import { type RpcError, invalidRequest } from "../protocol/errors.ts";
import { SandboxPolicy } from "../protocol/settings.ts";
import type { ClientCommand, CommandOutputListener } from "../tools/port.ts";
import { CommandOutput } from "./command-output.ts";
import { admitCommand } from "./command-policy.ts";
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
import { ProfileWish } from "./permission-profile.ts";

const family: CommandFamily = {
  name: "exec",
  member: "processId",
  delta: commandExecOutputDelta,
  duplicate: "duplicate active command/exec process id",
  unknown: "no active command/exec for process id",
  one: "command/exec",
  notStarted: "failed to spawn command",
  writing: "command/exec/write",
  sizes: "command/exec",
};

const Params = z.looseObject({
  command: z.array(z.string()),
  processId: z.string().nullish(),
  tty: z.boolean().default(false),
  streamStdin: z.boolean().default(false),
  streamStdoutStderr: z.boolean().default(false),
  outputBytesCap: z.int().min(0).nullish(),
  disableOutputCap: z.boolean().default(false),
  disableTimeout: z.boolean().default(false),
  timeoutMs: z.int().nullish(),
  cwd: z.string().nullish(),
  env: CommandEnvironment.nullish(),
  size: TerminalSize.nullish(),
  sandboxPolicy: SandboxPolicy.nullish(),
  permissionProfile: ProfileWish.nullish(),
});
type Params = z.output<typeof Params>;

export const commandExec = method({
  name: "command/exec",
  stability: "stable",
  role: "operator",
  grantedBy: "commands",
  params: Params,
  experimentalParams: ["permissionProfile"],
  result: z.object({ exitCode: z.number(), stdout: z.string(), stderr: z.string() }),
  async handle(context, params) {
    checkCombinations(params);
    const { command, processId, tty } = params;
    const cwd = resolve(context.host.defaultCwd, params.cwd ?? "");
    const wish = {
      command,
      cwd,
      sandboxPolicy: params.sandboxPolicy ?? undefined,
      permissionProfile: params.permissionProfile ?? undefined,
      isSpecial: tty || Object.keys(params.env ?? {}).length > 0,
    };
    // the command has its name before anything is awaited: what the client writes next finds it
    const limit: ClientCommand["limit"] = () => admitCommand(context, wish);
    const output = new CommandOutput();
    const id = processId ?? undefined;
    const isStreamed = (tty || params.streamStdoutStderr) && id !== undefined;
    const overflow = new AbortController();
    const onOutput = isStreamed ? toldTo(context.session, family, id) : keptIn(output, overflow);
    const wanted = { family, id, command: commandOf(context, params, cwd, limit) };
    const running = await startCommand(context, wanted, onOutput);
    overflow.signal.addEventListener("abort", () => running.kill());
    if (overflow.signal.aborted) running.kill();
    const exitCode = await running.ended;
    if (output.overflowed) throw tooMuchOutput();
    return { exitCode, stdout: output.text("stdout"), stderr: output.text("stderr") };
  },
});

const keptIn =
  (output: CommandOutput, overflow: AbortController): CommandOutputListener =>
  (stream, bytes) => {
    if (!output.add(stream, bytes)) overflow.abort();
    return undefined;
  };

function commandOf(
  { config }: Context,
  params: Params,
  cwd: string,
  limit: ClientCommand["limit"],
): ClientCommand {
  const { command, tty, size, streamStdin, outputBytesCap, timeoutMs } = params;
  return {
    command,
    cwd,
    environmentPolicy: config.read().environmentPolicy,
    env: params.env ?? {},
    terminal: tty ? (size ?? defaultTerminalSize) : undefined,
    takesInput: tty || streamStdin,
    outputBytesCap: params.disableOutputCap ? undefined : (outputBytesCap ?? defaultCapBytes),
    timeoutMs: params.disableTimeout ? undefined : (timeoutMs ?? defaultTimeoutMs),
    limit,
  };
}

export const commandExecWrite = method({
  name: "command/exec/write",
  stability: "stable",
  role: "operator",
  grantedBy: "commands",
  params: z.looseObject({
    processId: z.string(),
    deltaBase64: z.string().nullish(),
    closeStdin: z.boolean().default(false),
  }),
  result: z.object({}),
  async handle(context, { processId, ...input }) {
    await writeToCommand(context, family, processId, input);
    return {};
  },
});

export const commandExecResize = method({
  name: "command/exec/resize",
  stability: "stable",
  role: "operator",
  grantedBy: "commands",
  params: z.looseObject({ processId: z.string(), size: TerminalSize }),
  result: z.object({}),
  async handle(context, { processId, size }) {
    await resizeCommand(context, family, processId, size);
    return {};
  },
});

export const commandExecTerminate = method({
  name: "command/exec/terminate",
  stability: "stable",
  role: "operator",
  grantedBy: "commands",
  params: z.looseObject({ processId: z.string() }),
  result: z.object({}),
  async handle(context, { processId }) {
    const running = await activeCommand(context, family, processId);
    running.kill();
    return {};
  },
});

function checkCombinations(params: Params): void {
  const { command, processId, tty, size } = params;
  if (command.length === 0) throw invalidRequest("command must not be empty");
  const needsName = tty || params.streamStdin || params.streamStdoutStderr;
  if (needsName && (processId === null || processId === undefined)) {
    throw invalidRequest("command/exec tty or streaming requires a client-supplied processId");
  }
  if (size && !tty) throw invalidParams("command/exec size requires tty: true");
  if (size) checkSize(family, size);
  checkLimits(params);
}

function checkLimits({
  outputBytesCap,
  disableOutputCap,
  timeoutMs,
  disableTimeout,
}: Params): void {
  if (isSet(outputBytesCap) && disableOutputCap) {
    throw invalidParams("command/exec cannot set both outputBytesCap and disableOutputCap");
  }
  if (!isSet(timeoutMs)) return;
  if (disableTimeout) {
    throw invalidParams("command/exec cannot set both timeoutMs and disableTimeout");
  }
  if (timeoutMs < 0) {
    throw invalidParams(`command/exec timeoutMs must be non-negative, got ${timeoutMs}`);
  }
}

const isSet = (value: number | null | undefined): value is number =>
  value !== null && value !== undefined;

const tooMuchOutput = (): RpcError =>
  invalidRequest(
    "the command was ended: it wrote more than the 4 MiB that one answer can hold; ask for `streamStdoutStderr`, or set `outputBytesCap`",
  );
