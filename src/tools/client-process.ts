/** One process of a client's own, on pipes or on a terminal. */
import { type ChildProcess, spawn } from "node:child_process";
import { CappedOutput } from "./capped-output.ts";
import { endOfChild } from "./child-end.ts";
import type {
  ClientCommand,
  ClientProcess,
  CommandOutputListener,
  CommandStream,
  TerminalSize,
} from "./port.ts";
import { ClientCommandError } from "./port.ts";
import { signalGroup } from "./process-group.ts";
import { checkProgram, notStarted } from "./program-path.ts";

/** What is started: the command with everything that surrounds it worked out. */
export interface ClientProcessRequest {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: Pick<ClientCommand, "outputBytesCap" | "timeoutMs">;
  readonly takesInput: boolean;
}

/** The exit code of a command whose time is over, as `timeout(1)` has it. */
const timedOutCode = 124;
/** setTimeout takes at most this many milliseconds (24.8 days). */
const maxTimerMs = 2 ** 31 - 1;
/** So much input may wait for a process to read it. */
const maxWaitingInputBytes = 8 * 1024 * 1024;
/** What a terminal takes for the end of the input: control and D. */
const endOfInput = "\u0004";

/** Rejects with `ClientCommandError`. */
export async function startOnPipes(
  request: ClientProcessRequest,
  onOutput: CommandOutputListener,
): Promise<ClientProcess> {
  const { program, args, cwd, environment, takesInput, limits } = request;
  if (program === "") throw new ClientCommandError("notStarted", "missing program for pipe spawn");
  const child = await spawned(() =>
    spawn(program, args, {
      cwd,
      env: environment,
      detached: true,
      stdio: [takesInput ? "pipe" : "ignore", "pipe", "pipe"],
    }),
  );
  const { pid: groupId, stdin, stdout, stderr } = child;
  if (groupId === undefined || !stdout || !stderr) {
    throw new ClientCommandError("notStarted", "the process has no id or no output");
  }
  const outputs = [
    { stream: stdout, onData: passOn("stdout", stdout, limits.outputBytesCap, onOutput) },
    { stream: stderr, onData: passOn("stderr", stderr, limits.outputBytesCap, onOutput) },
  ];
  for (const { stream, onData } of outputs) {
    stream.on("data", onData);
    // a pipe that breaks ends the output; the exit code tells the rest
    stream.on("error", () => undefined);
  }
  stdin?.on("error", () => undefined);
  let outputCut = false;
  const end = endOfChild(child, outputs, () => {
    outputCut = true;
  });
  const life = new Life(groupId, end, limits.timeoutMs);
  let inputClosed = !takesInput;
  return {
    hasTerminal: false,
    takesInput,
    ended: life.ended,
    get outputCut() {
      return outputCut;
    },
    get inputClosed() {
      return inputClosed;
    },
    write(bytes) {
      if (stdin && stdin.writableLength > maxWaitingInputBytes)
        throw new ClientCommandError("refused", doesNotRead);
      stdin?.write(bytes);
    },
    closeInput() {
      inputClosed = true;
      stdin?.end();
    },
    resize: () => undefined,
    kill: () => life.kill(),
  };
}

const doesNotRead =
  "the process does not read its input: more than 8 MiB wait for it; write on when it has read, or terminate it";

async function spawned(start: () => ChildProcess): Promise<ChildProcess> {
  try {
    const child = start();
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    return child;
  } catch (error) {
    throw notStarted(error);
  }
}

/** Rejects with `ClientCommandError`. */
export async function startOnTerminal(
  request: ClientProcessRequest,
  size: TerminalSize,
  onOutput: CommandOutputListener,
): Promise<ClientProcess> {
  const { program, args, cwd, environment, limits } = request;
  if (program === "") throw new ClientCommandError("notStarted", "missing program for PTY spawn");
  checkProgram(program, cwd, environment["PATH"] ?? "");
  // loaded on first use: it is a native module, and most commands need no terminal
  const { spawn: spawnOnTerminal } = await import("@lydell/node-pty");
  const terminal = spawnOnTerminal(program, [...args], {
    name: environment["TERM"] ?? "xterm-256color",
    ...size,
    cwd,
    env: { ...environment },
    encoding: null,
  });
  // its declaration knows text only, which would break bytes that are no UTF-8
  const input: { write(bytes: string | Buffer): void } = terminal;
  const pass = passOn("stdout", terminal, limits.outputBytesCap, onOutput);
  terminal.onData((chunk: string | Buffer) => pass(Buffer.from(chunk)));
  const exited = new Promise<number>((resolve) => {
    terminal.onExit(({ exitCode, signal }) => resolve(signal ? 128 + signal : exitCode));
  });
  const life = new Life(terminal.pid, exited, limits.timeoutMs);
  let inputClosed = false;
  return {
    hasTerminal: true,
    takesInput: true,
    ended: life.ended,
    outputCut: false,
    get inputClosed() {
      return inputClosed;
    },
    write: (bytes) => input.write(bytes),
    closeInput() {
      inputClosed = true;
      terminal.write(endOfInput);
    },
    resize: ({ rows, cols }) => terminal.resize(cols, rows),
    kill: () => life.kill(),
  };
}

interface Pausable {
  pause(): unknown;
  resume(): unknown;
}

function passOn(
  stream: CommandStream,
  source: Pausable,
  capBytes: number | undefined,
  onOutput: CommandOutputListener,
): (chunk: Buffer) => void {
  const capped = new CappedOutput(capBytes);
  return (chunk) => {
    const piece = capped.take(chunk);
    if (!piece) return;
    const room = onOutput(stream, piece.bytes, piece.capReached);
    if (!room) return;
    source.pause();
    void room.then(() => source.resume());
  };
}

/** How long a process lives, and what ends it. */
class Life {
  readonly ended: Promise<number>;
  readonly #groupId: number;
  #isOver = false;
  #isTimedOut = false;

  constructor(groupId: number, exited: Promise<number>, timeoutMs: number | undefined) {
    this.#groupId = groupId;
    const timer =
      timeoutMs === undefined || timeoutMs > maxTimerMs
        ? undefined
        : setTimeout(() => {
            this.#isTimedOut = true;
            this.kill();
          }, timeoutMs);
    this.ended = exited.then((code) => {
      this.#isOver = true;
      clearTimeout(timer);
      return this.#isTimedOut ? timedOutCode : code;
    });
  }

  kill(): void {
    // once it has ended, its number may belong to somebody else
    if (this.#isOver || signalGroup(this.#groupId, "SIGKILL")) return;
    try {
      // on a terminal it becomes the leader of its group a moment after it was made
      process.kill(this.#groupId, "SIGKILL");
    } catch {
      // it has just ended
    }
  }
}
