/** The program: hands argv, environment and signals to the command line, and joins it to the rest. */
import { dirname } from "node:path";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const manifest = fileURLToPath(new URL("../package.json", import.meta.url));
const version = String(JSON.parse(readFileSync(manifest, "utf8")).version);

void main();

async function main(): Promise<void> {
  const { runProgram } = await import("./cli/program.ts");

  process.exit(
    await runProgram(process.argv.slice(2), {
      outside: {
        env: process.env,
        stdout: process.stdout,
        stderr: process.stderr,
        ask: process.stdin.isTTY ? askAtTerminal : undefined,
        startHost: async (options) => (await import("./app.ts")).startHost(options),
        attach: async (options) => (await import("./relay/attach.ts")).attach(options),
        writeSchema: async (folder) =>
          (await import("./features/schema-writer.ts")).writeSchema(folder),
        verifyAudit: async (options) => (await import("./audit/verify.ts")).verifyAudit(options),
        exportAudit: async (options) => (await import("./audit/export.ts")).exportAudit(options),
        checkIssuers: async (farhelmHome) =>
          (await import("./auth/issuer-check.ts")).checkIssuers(farhelmHome),
        checkStore: async (store) => (await import("./store/open-store.ts")).checkStore(store),
        checkSandbox: async (path) =>
          (await import("./tools/sandbox/sandbox.ts")).checkSandbox(path),
        openControlSocket: async (path) =>
          (await import("./transport/control-client.ts")).openControlSocket(path),
        untilAskedToStop: () =>
          new Promise((resolve) => {
            let asked = false;
            const onSignal = (): void => {
              if (asked) process.exit(130);
              asked = true;
              resolve();
            };
            process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
          }),
      },
      version,
      clone: dirname(manifest),
      startedIn: process.cwd(),
    }),
  );
}

async function askAtTerminal(question: string, signal: AbortSignal): Promise<string> {
  const { createInterface } = await import("node:readline/promises");
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // The terminal is in a mode in which Control-C is a key.
  terminal.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    return await terminal.question(question, { signal });
  } finally {
    terminal.close();
  }
}
