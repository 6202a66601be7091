/** One process, on pipes or on a terminal, behind the same few verbs. */
import { spawn } from "node:child_process";
import { endOfChild } from "./child-end.ts";
import { signalGroup } from "./process-group.ts";

export interface ProcessRequest {
  /** Program and arguments; the program is an absolute path. */
  readonly command: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly tty: boolean;
  /** Called once, when it has ended or did not start. */
  readonly release?: () => void;
}

export interface RunningProcess {
  /** The process and the group that it leads. */
  readonly groupId: number;
  /** Resolves when it has ended and its output was read: its exit code, or 128 and the number of the signal. */
  readonly ended: Promise<number>;
  /** False: it has no standard input. */
  write(text: string): boolean;
  interrupt(): void;
  pause(): void;
  resume(): void;
}

/** Rejects with the system's error when the process does not start. */
export async function startProcess(
  request: ProcessRequest,
  onOutput: (chunk: Buffer) => void,
): Promise<RunningProcess> {
  const { release } = request;
  try {
    const running = await (request.tty
      ? startOnTerminal(request, onOutput)
      : startOnPipe(request, onOutput));
    if (release) running.ended.then(release, release);
    return running;
  } catch (error) {
    release?.();
    throw error;
  }
}

/** A shell joins the two outputs, so that they arrive in the order in which they were written. */
const joinOutputs = ["/bin/sh", "-c", 'exec "$@" 2>&1', "sh"];

async function startOnPipe(
  { command, cwd, environment }: ProcessRequest,
  onOutput: (chunk: Buffer) => void,
): Promise<RunningProcess> {
  const [program = "", ...words] = [...joinOutputs, ...command];
  const child = spawn(program, words, {
    cwd,
    env: environment,
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  const { pid: groupId, stdout } = child;
  if (groupId === undefined) throw new Error("the process has no id");
  stdout.on("data", onOutput);
  // a pipe that breaks ends the output; the exit code tells the rest
  stdout.on("error", () => undefined);
  return {
    groupId,
    ended: endOfChild(child, [{ stream: stdout, onData: onOutput }]),
    write: () => false,
    interrupt: () => void signalGroup(groupId, "SIGINT"),
    pause: () => void stdout.pause(),
    resume: () => void stdout.resume(),
  };
}

async function startOnTerminal(
  { command, cwd, environment }: ProcessRequest,
  onOutput: (chunk: Buffer) => void,
): Promise<RunningProcess> {
  // loaded on first use: it is a native module, and most commands need no terminal
  const { spawn: spawnOnTerminal } = await import("@lydell/node-pty");
  const [program = "", ...words] = command;
  const terminal = spawnOnTerminal(program, words, {
    name: "dumb",
    cols: 80,
    rows: 24,
    cwd,
    env: { ...environment },
    encoding: null,
  });
  terminal.onData((chunk: string | Buffer) => onOutput(Buffer.from(chunk)));
  return {
    groupId: terminal.pid,
    ended: new Promise((resolve) => {
      terminal.onExit(({ exitCode, signal }) => resolve(signal ? 128 + signal : exitCode));
    }),
    write: (text) => {
      terminal.write(text);
      return true;
    },
    interrupt: () => terminal.write("\u0003"),
    pause: () => terminal.pause(),
    resume: () => terminal.resume(),
  };
}
