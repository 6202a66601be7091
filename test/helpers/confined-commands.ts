/** Commands in the real sandbox, by whatever user: a process of its own confines and starts them. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { build } from "vite";
import { z } from "zod";
import type { PathRule } from "../../src/permissions/path-access.ts";
import {
  type Proxied,
  RunnerAnswer,
  type RunnerOrder,
  type RunnerSetting,
} from "./confined-order.ts";

export interface Confinement {
  readonly rules: readonly PathRule[];
  readonly deniedGlobs?: readonly string[];
  readonly globScanMaxDepth?: number;
  readonly cwd?: string;
  readonly network?: boolean | Proxied;
  readonly environment?: Readonly<Record<string, string>>;
  readonly privateTmp?: boolean;
}

/** Bundles the runner into `folder`, where any user can read it; returns its path. */
export async function buildRunner(folder: string): Promise<string> {
  await build({
    configFile: false,
    logLevel: "error",
    ssr: { noExternal: true },
    build: {
      ssr: join(import.meta.dirname, "confined-runner.ts"),
      outDir: folder,
      target: "node20",
      rolldownOptions: { output: { entryFileNames: "runner.mjs" } },
    },
  });
  return join(folder, "runner.mjs");
}

const State = z.union([
  z.object({ works: z.literal(true), how: z.string() }),
  z.object({ works: z.literal(false), reason: z.string(), fix: z.string() }),
]);

const path = "/usr/local/bin:/usr/bin:/bin";

export class ConfinedCommands {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting = new Map<number, (answer: RunnerAnswer) => void>();
  readonly #gone: Promise<never>;
  #lastId = 0;

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child;
    this.#gone = new Promise((_, reject) => {
      child.once("exit", () => reject(new Error("the runner has ended")));
    });
    this.#gone.catch(() => undefined);
    createInterface({ input: child.stdout }).on("line", (line) => {
      const answer = RunnerAnswer.parse(JSON.parse(line));
      this.#waiting.get(answer.id)?.(answer);
    });
  }

  static start(
    runner: string,
    uid: number,
    setting: Omit<RunnerSetting, "path">,
  ): ConfinedCommands {
    mkdirSync(setting.stateFolder, { recursive: true, mode: 0o700 });
    chownSync(setting.stateFolder, uid, uid);
    const child = spawn(process.execPath, [runner, JSON.stringify({ ...setting, path })], {
      cwd: "/",
      env: { PATH: path },
      stdio: ["pipe", "pipe", "inherit"],
      ...(uid === 0 ? {} : { uid, gid: uid }),
    });
    return new ConfinedCommands(child);
  }

  /** What the sandbox says of itself. */
  async state(): Promise<z.infer<typeof State>> {
    const { err } = await this.#order({}).answer;
    return State.parse(JSON.parse(err));
  }

  /** Runs a script with bash. */
  run(script: string, confinement: Confinement): Promise<RunnerAnswer> {
    return this.begin(script, confinement).answer;
  }

  begin(script: string, confinement: Confinement): { answer: Promise<RunnerAnswer>; kill(): void } {
    const { rules, deniedGlobs = [], globScanMaxDepth, cwd = "/", ...rest } = confinement;
    return this.#order({
      request: {
        command: ["/bin/bash", "-c", script],
        cwd,
        rules: { rules: [...rules], deniedGlobs: [...deniedGlobs], globScanMaxDepth },
        network: rest.network ?? false,
        environment: { PATH: path, LANG: "C.UTF-8", ...rest.environment },
        privateTmp: rest.privateTmp ?? false,
      },
    });
  }

  async end(): Promise<void> {
    this.#child.kill();
    await this.#gone.catch(() => undefined);
  }

  #order(order: Omit<RunnerOrder, "id">): { answer: Promise<RunnerAnswer>; kill(): void } {
    const id = (this.#lastId += 1);
    const answer = new Promise<RunnerAnswer>((resolve) => {
      this.#waiting.set(id, resolve);
    });
    this.#child.stdin.write(`${JSON.stringify({ id, ...order })}\n`);
    const kill = (): void =>
      void this.#child.stdin.write(`${JSON.stringify({ id: 0, kill: id })}\n`);
    return { answer: Promise.race([answer, this.#gone]), kill };
  }
}
