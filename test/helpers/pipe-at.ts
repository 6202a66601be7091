import { execFileSync, spawn } from "node:child_process";
import { onTestFinished } from "vitest";

/** A named pipe. Whoever waits for it gets the text after some seconds, so that a test fails rather than hangs. */
export function pipeAt(path: string, text: string): void {
  execFileSync("mkfifo", [path]);
  const writer = spawn("sh", ["-c", 'sleep 3; printf %s "$1" > "$2"', "sh", text, path], {
    detached: true,
    stdio: "ignore",
  });
  onTestFinished(() => {
    if (writer.pid !== undefined && writer.exitCode === null) process.kill(-writer.pid, "SIGKILL");
  });
}
