/** Commands that clients run by themselves, outside of any thread. They belong to the connection and end with it. */
import { resolve } from "node:path";
import { z } from "zod";
import type { Context } from "../dispatch/context.ts";
import { method } from "../dispatch/define.ts";
import { RpcError, invalidRequest } from "../protocol/errors.ts";
import { SandboxPolicy } from "../protocol/settings.ts";
import type { ClientCommand } from "../tools/port.ts";
import { base64Bytes } from "./base64-bytes.ts";
import { CommandOutput } from "./command-output.ts";
import { admitCommand } from "./command-policy.ts";
import { ProfileWish } from "./permission-profile.ts";
import { activeCommand, runCommand, writeInput } from "./command-run.ts";

const defaultTimeoutMs = 10_000;
const defaultCapBytes = 1024 * 1024;

const Cells = z.int().min(0).max(65_535);
const TerminalSize = z.looseObject({ rows: Cells, cols: Cells });

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
  env: z.record(z.string(), z.string().nullable()).nullish(),
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
    const git = admitCommand(context, {
      command,
      sandboxPolicy: params.sandboxPolicy ?? undefined,
      permissionProfile: params.permissionProfile ?? undefined,
      isSpecial: tty || Object.keys(params.env ?? {}).length > 0,
    });
    const output = new CommandOutput();
    const isStreamed = tty || params.streamStdoutStderr;
    const exitCode = await runCommand(
      context,
      processId ?? undefined,
      commandOf(context, params, git),
      isStreamed ? undefined : output,
    );
    if (output.overflowed) throw tooMuchOutput();
    return { exitCode, stdout: output.text("stdout"), stderr: output.text("stderr") };
  },
});

function commandOf({ host }: Context, params: Params, git: ClientCommand["git"]): ClientCommand {
  const { command, tty, size, streamStdin, outputBytesCap, timeoutMs } = params;
  return {
    command,
    cwd: resolve(host.defaultCwd, params.cwd ?? ""),
    env: params.env ?? {},
    terminal: tty ? (size ?? { rows: 24, cols: 80 }) : undefined,
    takesInput: tty || streamStdin,
    outputBytesCap: params.disableOutputCap ? undefined : (outputBytesCap ?? defaultCapBytes),
    timeoutMs: params.disableTimeout ? undefined : (timeoutMs ?? defaultTimeoutMs),
    git,
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
  async handle(context, { processId, deltaBase64, closeStdin }) {
    const bytes =
      deltaBase64 === null || deltaBase64 === undefined ? undefined : base64Bytes(deltaBase64);
    if (!bytes && !closeStdin) {
      throw invalidParams("command/exec/write requires deltaBase64 or closeStdin");
    }
    const running = await activeCommand(context, processId);
    if (!running.takesInput) {
      throw invalidRequest("stdin streaming is not enabled for this command/exec");
    }
    if (bytes && running.inputClosed) throw invalidRequest("stdin is already closed");
    if (bytes) writeInput(running, bytes);
    if (closeStdin && !running.inputClosed) running.closeInput();
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
    checkSize(size);
    const running = await activeCommand(context, processId);
    if (!running.hasTerminal) {
      throw invalidRequest("failed to resize PTY: process is not attached to a PTY");
    }
    running.resize(size);
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
    const running = await activeCommand(context, processId);
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
  if (size) checkSize(size);
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

function checkSize({ rows, cols }: z.output<typeof TerminalSize>): void {
  if (rows > 0 && cols > 0) return;
  throw invalidParams("command/exec size rows and cols must be greater than 0");
}

const invalidParams = (message: string): RpcError => new RpcError("invalidParams", message);

const tooMuchOutput = (): RpcError =>
  invalidRequest(
    "the command was ended: it wrote more than the 4 MiB that one answer can hold; ask for `streamStdoutStderr`, or set `outputBytesCap`",
  );
