/** When a process on pipes has really ended: it is gone, and what it wrote was read. */
import type { ChildProcess } from "node:child_process";
import { constants } from "node:os";
import type { Readable } from "node:stream";

/**
 * How long the output may be silent after the process has ended. A child that it left behind may hold the pipe for
 * ever; what the process itself wrote is in the pipe already.
 */
const lingerMs = 300;
/** And how often it may go on after that: a child that writes without end is not waited for. */
const maxLingers = 10;

export interface ChildOutput {
  readonly stream: Readable;
  readonly onData: (chunk: Buffer) => void;
}

/** Resolves to the exit code, or to 128 and the number of the signal. Nothing is passed to `onData` after that; `onCut`: the output was still open. */
export function endOfChild(
  child: ChildProcess,
  outputs: readonly ChildOutput[],
  onCut?: () => void,
): Promise<number> {
  return new Promise((resolve) => {
    let code = -1;
    let linger: NodeJS.Timeout | undefined;
    let hasNews = false;
    const wait = (roundsLeft: number): void => {
      hasNews = false;
      linger = setTimeout(() => {
        if (outputs.some(({ stream }) => stream.isPaused())) wait(roundsLeft);
        else if (hasNews && roundsLeft > 0) wait(roundsLeft - 1);
        else {
          for (const output of outputs) letGo(output);
          onCut?.();
          resolve(code);
        }
      }, lingerMs);
    };
    child.once("exit", (exitCode, signal) => {
      code = exitCode ?? signalCode(signal);
      for (const { stream } of outputs) {
        stream.on("data", () => {
          hasNews = true;
        });
      }
      wait(maxLingers);
    });
    child.once("close", () => {
      clearTimeout(linger);
      resolve(code);
    });
  });
}

/** Reads on: whoever still holds the pipe must not be stopped by its closing. */
function letGo({ stream, onData }: ChildOutput): void {
  stream.off("data", onData);
  stream.resume();
  if ("unref" in stream && typeof stream.unref === "function") stream.unref();
}

function signalCode(signal: NodeJS.Signals | null): number {
  return signal ? 128 + constants.signals[signal] : -1;
}
