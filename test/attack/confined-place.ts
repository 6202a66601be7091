/** Folders of a user's own with a workspace, secrets and what lies around them, and commands in the sandbox there. */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe } from "vitest";
import type { PathRule } from "../../src/permissions/path-access.ts";
import { buildRunner, type Confinement, ConfinedCommands } from "../helpers/confined-commands.ts";
import type { RunnerAnswer } from "../helpers/confined-order.ts";

/** What no output may hold. */
export const secret = "canary-5f0c1d2e3";
export const readAll: PathRule = { path: "/", access: "read" };

const nobody = 65534;
const isRoot = process.getuid?.() === 0;
const users: readonly (readonly [string, number])[] = isRoot
  ? [
      ["the administrator", 0],
      ["an ordinary user", nobody],
    ]
  : [["an ordinary user", process.getuid?.() ?? nobody]];
if (!isRoot) process.stderr.write("SKIPPED: escapes by the administrator; run the tests as root\n");

/** Runs `define` for the administrator and for an ordinary user, each with a place and a runner of its own. */
export function eachUser(define: (place: ConfinedPlace) => void): void {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "farhelm-sandbox-")));
  chmodSync(base, 0o755);
  let runner = "";
  beforeAll(async () => {
    runner = await buildRunner(join(base, "program"));
    chmodSync(join(base, "program"), 0o755);
  });
  afterAll(() => rmSync(base, { recursive: true, force: true }));
  describe.each(users)("%s", (_, uid) => {
    const place = new ConfinedPlace(join(base, String(uid)), uid);
    beforeAll(() => place.begin(runner));
    afterAll(() => place.end());
    beforeEach(({ skip }) => {
      if (!place.works) skip("SKIPPED: no sandbox works here");
      place.tidy();
    });
    define(place);
  });
}

export class ConfinedPlace {
  readonly uid: number;
  /** Holds the others; all of it belongs to the user. */
  readonly root: string;
  /** What commands may write. Empty before each test, as `outside` is, which they may not. */
  readonly work: string;
  readonly outside: string;
  readonly farhelmHome: string;
  readonly codexHome: string;
  #commands: ConfinedCommands | undefined;
  #works = false;

  constructor(root: string, uid: number) {
    this.uid = uid;
    this.root = root;
    this.work = join(root, "work");
    this.outside = join(root, "outside");
    this.farhelmHome = join(root, "farhelm-home");
    this.codexHome = join(root, "codex-home");
  }

  get works(): boolean {
    return this.#works;
  }

  get commands(): ConfinedCommands {
    if (!this.#commands) throw new Error("the runner was not started");
    return this.#commands;
  }

  async begin(runner: string): Promise<void> {
    for (const path of [this.root, this.farhelmHome, this.codexHome]) this.folder(path);
    this.put(join(this.farhelmHome, "issuer-key.json"));
    this.put(join(this.codexHome, "auth.json"));
    this.put(join(this.codexHome, "config.toml"), "model = 'm'\n");
    this.#commands = ConfinedCommands.start(runner, this.uid, {
      stateFolder: join(this.farhelmHome, "sandbox"),
      hidden: [this.farhelmHome, join(this.codexHome, "auth.json")],
    });
    const state = await this.#commands.state();
    this.#works = state.works;
    if (state.works) return;
    const why = `no sandbox works here: ${state.reason}; ${state.fix}`;
    if (process.env["CI"] === "true") throw new Error(why);
    process.stderr.write(`SKIPPED: escapes from the sandbox; ${why}\n`);
  }

  async end(): Promise<void> {
    await this.#commands?.end();
  }

  tidy(): void {
    for (const path of [this.work, this.outside]) {
      rmSync(path, { recursive: true, force: true });
      this.folder(path);
    }
  }

  put(path: string, text = secret): string {
    writeFileSync(path, text);
    chownSync(path, this.uid, this.uid);
    return path;
  }

  folder(path: string): string {
    mkdirSync(path, { recursive: true });
    chownSync(path, this.uid, this.uid);
    return path;
  }

  /** Everything is read, the workspace written, no network. */
  workspace(...more: readonly PathRule[]): Confinement {
    return { rules: [readAll, { path: this.work, access: "write" }, ...more], cwd: this.work };
  }

  run(script: string, confinement = this.workspace()): Promise<RunnerAnswer> {
    return this.commands.run(script, confinement);
  }
}

/** Makes a system call by its x86-64 number, and says so when it worked. Elsewhere the number means another call. */
export function systemCall(name: string, number: number, ...args: readonly string[]): string {
  if (process.arch !== "x64") return ":";
  // perl writes to what it hands over, so a text needs a place of its own
  const values = args.map((arg, at) => (arg.startsWith('"') ? `(my $v${at} = ${arg})` : arg));
  const list = [number, ...values].join(", ");
  return `other=$other perl -e 'my $r = syscall(${list}); print "WORKED: ${name}\\n" if $r >= 0'`;
}

export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
}
