/** Hosts that must not come up. */
import { execFile } from "node:child_process";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { CommandOutcome } from "../helpers/host-process.ts";
import { attack } from "./attack.ts";

const program = join(import.meta.dirname, "../../dist/main.js");

const run = (env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<CommandOutcome> =>
  new Promise((resolve) => {
    const options = { env: { PATH: process.env["PATH"], ...env }, timeout: 60_000 };
    const child = execFile(process.execPath, [program, ...args], options, (_error, out, err) =>
      resolve({ code: child.exitCode ?? 1, out, err }),
    );
  });

const outer = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;

attack(
  "A17",
  "starting on an address that others reach, without TLS",
  { expect: { act: "host.start", code: "tls_needed" }, timeoutMs: 120_000 },
  async (bench) => {
    await bench.down();
    const { codexHome, farhelmHome, root } = bench.homes;
    const env = { HOME: root, CODEX_HOME: codexHome, FARHELM_HOME: farhelmHome };
    const addresses = ["[::]:0", `${outer ?? hostname()}:0`, "198.51.100.7:0"];
    const lines = [
      ...addresses.map((address) => ["--listen", address]),
      ["--listen", "0.0.0.0:0", "--allow-remote-headless", "--allowed-host", "box.example.com"],
    ];
    let admitted = 0;
    for (const line of lines) {
      const { code, out, err } = await run(env, "up", ...line);
      const host = line[1]?.replace(/:0$/, "").replace(/[[\]]/g, "");
      expect({ code, out, err }).toEqual({
        code: 1,
        out: "",
        err: `farhelm: refusing to listen on ${host} without TLS: use \`--lan\`, which makes a certificate, or keep \`--listen 127.0.0.1:PORT\` behind a TLS proxy and name it with \`--public-origin https://NAME\`\n`,
      });
      if (out !== "") admitted += 1;
    }
    await bench.up();
    return { tried: lines.length, admitted };
  },
);
