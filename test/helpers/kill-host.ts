/** The built program as a process that is killed and started again on the same homes. */
import type { ChildProcessByStdio } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { root } from "../architecture/tree.ts";
import { newFolder } from "./host-process.ts";

const program = join(root, "dist/main.js");
const readyTimeoutMs = 30_000;

export interface KillHomes {
  readonly root: string;
  readonly codexHome: string;
  readonly farhelmHome: string;
  readonly work: string;
}

export function killHomes(configToml: string, folder = newFolder("farhelm-kill-")): KillHomes {
  const homes = {
    root: folder,
    codexHome: join(folder, "codex"),
    farhelmHome: join(folder, "farhelm"),
    work: join(folder, "work"),
  };
  for (const path of [homes.codexHome, homes.work]) mkdirSync(path, { recursive: true });
  writeFileSync(join(homes.codexHome, "config.toml"), configToml);
  return homes;
}

export const removeHomes = ({ root: folder }: KillHomes): void =>
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });

type Child = ChildProcessByStdio<null, Readable, Readable>;

export class KillableHost {
  readonly #child: Child;
  readonly #closed: Promise<unknown>;
  #said = "";

  constructor({ root: folder, codexHome, farhelmHome, work }: KillHomes, port = 0) {
    const args = ["up", "--listen", `127.0.0.1:${port}`, "--cwd", work];
    this.#child = spawn(process.execPath, [program, ...args], {
      cwd: work,
      env: {
        PATH: process.env["PATH"],
        HOME: folder,
        CODEX_HOME: codexHome,
        FARHELM_HOME: farhelmHome,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#closed = once(this.#child, "close");
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (this.#said += text));
  }

  /** What it wrote so far, both streams. */
  get said(): string {
    return this.#said;
  }

  /** Its URL, once it accepts connections. Rejects with what it said where it ends before. */
  async ready(): Promise<string> {
    const late = setTimeout(() => this.#child.kill("SIGKILL"), readyTimeoutMs);
    try {
      return await new Promise((resolve, reject) => {
        const check = (): void => {
          const url = /^Farhelm is ready on (\S+)$/m.exec(this.#said)?.[1];
          if (url !== undefined) resolve(url);
        };
        this.#child.stdout.on("data", check);
        this.#child.once("close", () =>
          reject(new Error(`the host ended before it was ready:\n${this.#said}`)),
        );
        check();
      });
    } finally {
      clearTimeout(late);
    }
  }

  /** At once, without a chance to clean up. */
  strike(): void {
    this.#child.kill("SIGKILL");
  }

  /** Its exit code, for one that is to end by itself. */
  async failed(): Promise<number | null> {
    const late = setTimeout(() => this.#child.kill("SIGKILL"), readyTimeoutMs);
    const code = await this.ended();
    clearTimeout(late);
    return code;
  }

  /** Asks it to end. The exit code, null where a signal ended it. */
  async stop(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    const late = setTimeout(() => this.#child.kill("SIGKILL"), 20_000);
    const code = await this.ended();
    clearTimeout(late);
    return code;
  }

  /** Resolves when it is gone and all that it said was read. */
  async ended(): Promise<number | null> {
    await this.#closed;
    return this.#child.exitCode;
  }
}
