/** The program as people run it: a process with homes of its own, on a port of its own. */
import type { ChildProcessByStdio } from "node:child_process";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";

const program = join(import.meta.dirname, "../../dist/main.js");

export interface HostProcessOptions {
  /** The text of config.toml. */
  readonly config?: string;
  /** The text of farhelm.toml. */
  readonly settings?: string;
  /** Another way to start it: the program and its arguments. */
  readonly command?: readonly string[];
  /** Options of Node itself, before the program. */
  readonly nodeFlags?: readonly string[];
  readonly startIn?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** From the start of the process to its line with the URL. */
  readonly readyTimeoutMs?: number;
}

export interface CommandOutcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

export class HostProcess {
  /** The user's home; the two homes of the program are in it. */
  readonly home = newFolder("farhelm-home-");
  readonly #env: NodeJS.ProcessEnv;
  readonly #child: Child;
  #said = "";
  #url = "";

  private constructor(options: HostProcessOptions) {
    const { home } = this;
    this.#env = { PATH: process.env["PATH"], HOME: home, ...options.env };
    if (options.config !== undefined) {
      mkdirSync(join(home, ".codex"));
      writeFileSync(join(home, ".codex/config.toml"), options.config);
    }
    if (options.settings !== undefined) {
      mkdirSync(join(home, ".farhelm"), { mode: 0o700 });
      writeFileSync(join(home, ".farhelm/farhelm.toml"), options.settings);
    }
    const node = [process.execPath, ...(options.nodeFlags ?? [])];
    const up = [...node, program, "up", "--listen", "127.0.0.1:0", "--cwd", home];
    const [command = "", ...args] = options.command ?? up;
    this.#child = spawn(command, args, {
      cwd: options.startIn ?? home,
      env: this.#env,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (this.#said += text));
  }

  static async start(options: HostProcessOptions = {}): Promise<HostProcess> {
    const host = new HostProcess(options);
    const late = setTimeout(() => host.#kill(), options.readyTimeoutMs ?? 30_000);
    try {
      host.#url = await host.#says(/^Farhelm is ready on (\S+)$/m);
      return host;
    } catch (error) {
      await host.stop();
      throw error;
    } finally {
      clearTimeout(late);
    }
  }

  get url(): string {
    return this.#url;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it wrote so far, both streams. */
  get said(): string {
    return this.#said;
  }

  /** From the file in which the host left it, as it says itself. */
  async firstPairingLink(): Promise<string> {
    return readFileSync(await this.#says(/pairing link is in (\S+) until/), "utf8").trim();
  }

  async newPairingLink(role = "admin"): Promise<string> {
    const { code, out, err } = await this.run("pair", "--role", role);
    if (code !== 0) throw new Error(err);
    return out.trim();
  }

  /** Lets the device in that waits, as soon as one does: what its admin saw of it. */
  async confirmPairing(): Promise<{ readonly id: string; readonly words: readonly string[] }> {
    const waiting = await this.#waitingPairing();
    const { code, err } = await this.run("pair", "confirm", waiting.id);
    if (code !== 0) throw new Error(err);
    return waiting;
  }

  /** The pairing whose device waits to be confirmed, as soon as there is one. */
  async #waitingPairing(): Promise<{ readonly id: string; readonly words: readonly string[] }> {
    for (;;) {
      const { code, out, err } = await this.run("pair", "list", "--json");
      if (code !== 0) throw new Error(err);
      const rows: readonly {
        readonly id: string;
        readonly phase: string;
        readonly request: { readonly words: readonly string[] | null } | null;
      }[] = JSON.parse(out);
      const proved = rows.find(({ phase }) => phase === "proved");
      if (proved !== undefined) return { id: proved.id, words: proved.request?.words ?? [] };
    }
  }

  /** Runs `farhelm ARGS` beside the host. */
  run(...args: readonly string[]): Promise<CommandOutcome> {
    const options = { cwd: this.home, env: this.#env };
    return new Promise((resolve) => {
      const child = execFile(process.execPath, [program, ...args], options, (_error, out, err) =>
        resolve({ code: child.exitCode ?? 1, out, err }),
      );
    });
  }

  /** Asks it to end, waits, and removes its homes. The exit code. */
  async stop(): Promise<number | null> {
    if (!this.#ended) {
      const end = once(this.#child, "exit");
      this.#child.kill("SIGTERM");
      const late = setTimeout(() => this.#kill(), 20_000);
      await end;
      clearTimeout(late);
    }
    rmSync(this.home, { recursive: true, force: true, maxRetries: 5 });
    return this.#child.exitCode;
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** With all that it started. */
  #kill(): void {
    const { pid } = this.#child;
    if (pid !== undefined && !this.#ended) process.kill(-pid, "SIGKILL");
  }

  /** The first group of the pattern, as soon as it was written. */
  #says(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const found = pattern.exec(this.#said)?.[1];
        if (found !== undefined) resolve(found);
      };
      this.#child.stdout.on("data", check);
      this.#child.stderr.on("data", check);
      this.#child.once("error", reject);
      this.#child.once("close", () =>
        reject(new Error(`The host ended before it said ${pattern.source}:\n${this.#said}`)),
      );
      check();
    });
  }
}

/** By its real path: the system's folder for such things may be a link. */
export const newFolder = (prefix: string): string =>
  realpathSync(mkdtempSync(join(tmpdir(), prefix)));
