import { spawn } from "node:child_process";

/** Something is in the way; the message is one sentence that says what to do. */
export class Obstacle extends Error {}

const progressEveryMs = 10_000;

export const say = (text) => process.stderr.write(`farhelm: ${text}\n`);

/** Runs `work`; an obstacle ends the process with 1 and its sentence instead of a stack. */
export async function guarded(work) {
  try {
    await work();
  } catch (error) {
    const known = error instanceof Obstacle ? error.message : sentenceFor(String(error));
    if (known === undefined) throw error;
    say(known);
    process.exit(1);
  }
}

/** One sentence for the usual reasons; undefined when the text names none of them. */
export function sentenceFor(text) {
  if (/ENOSPC|no space left/i.test(text))
    return "The disk is full; free about 500 MB (df -h shows where) and run this again.";
  if (/EDQUOT/.test(text))
    return "Your disk quota is used up; free about 500 MB and run this again.";
  if (/EROFS|EACCES|EPERM/.test(text))
    return "A folder cannot be written (this clone or npm's cache); give yourself write access to it and run this again.";
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EIDLETIMEOUT/.test(text))
    return "npm cannot reach its registry; check the network or the proxy (npm config get registry proxy) and run this again.";
  if (/EUSAGE|in sync/.test(text))
    return "package-lock.json does not fit package.json; restore both (git checkout package.json package-lock.json) and run this again.";
  return undefined;
}

/**
 * Runs a program to its end, with a line now and then while it is quiet. Its output is shown only
 * when it fails. Rejects with an Obstacle.
 */
export function run(title, command, args, options = {}) {
  say(`${title} …`);
  const startedAtMs = Date.now();
  const seconds = () => `${Math.round((Date.now() - startedAtMs) / 1000)} s`;
  const ticker = setInterval(() => say(`${title} … ${seconds()}`), progressEveryMs);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => (output += text));
    const fail = (reason) => {
      const known = sentenceFor(output + reason);
      if (known === undefined) process.stderr.write(output);
      reject(new Obstacle(known ?? `${title} failed (${reason}); what it said stands above.`));
    };
    child.on("error", (error) => fail(error.message));
    child.on("close", (code, signal) => {
      clearInterval(ticker);
      if (code !== 0) return fail(signal ?? `exit ${code}`);
      say(`${title}: done in ${seconds()}`);
      resolve();
    });
  });
}
