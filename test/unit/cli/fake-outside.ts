import { EventEmitter, once } from "node:events";
import { PassThrough } from "node:stream";
import type {
  AttachOptions,
  Attachment,
  HostOptions,
  Outside,
  RunningHost,
} from "../../../src/cli/host.ts";
import { runProgram } from "../../../src/cli/program.ts";
import { checkIssuers } from "../../../src/auth/issuer-check.ts";
import { checkStore } from "../../../src/store/open-store.ts";
import { openControlSocket } from "../../../src/transport/control-client.ts";

/** A stream that keeps what was written to it. */
class Screen extends PassThrough {
  readonly isTTY: boolean;
  text = "";

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
    this.on("data", (chunk: Buffer) => (this.text += chunk.toString("utf8")));
  }
}

export interface Scene {
  readonly env?: NodeJS.ProcessEnv;
  readonly tty?: boolean;
  /** What the person at the terminal types; nobody sits there without it. */
  answer?(question: string): string;
  readonly startedIn?: string;
  readonly clone?: string;
  readonly host?: Partial<RunningHost>;
  /** Runs once the host has started; the stop comes when it returns. */
  whileUp?(): void;
  readonly startError?: Error;
  /** Why commands cannot be confined. */
  readonly noSandbox?: string;
  readonly attachment?: Partial<Attachment>;
  readonly attachError?: Error;
  readonly attachWait?: Parameters<AttachOptions["onWait"]>[0];
  readonly attachRefusals?: readonly Error[];
}

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly options: HostOptions | undefined;
  readonly attachOptions: AttachOptions | undefined;
  readonly closed: boolean;
}

/** Runs a command line in this process, with a host that starts at once and stops when the scene says. */
export async function runCli(argv: readonly string[], scene: Scene = {}): Promise<Outcome> {
  const [stdout, stderr] = [new Screen(scene.tty ?? false), new Screen(false)];
  const seen: { options?: HostOptions; attachOptions?: AttachOptions; closed: boolean } = {
    closed: false,
  };
  const moments = new EventEmitter();
  const hasStarted = once(moments, "started");
  const outside: Outside = {
    env: scene.env ?? {},
    stdout,
    stderr,
    ask: scene.answer && (async (question) => scene.answer?.(question) ?? ""),
    startHost: async (options) => {
      seen.options = options;
      if (scene.startError) throw scene.startError;
      setImmediate(() => moments.emit("started"));
      return {
        url: "http://localhost:7420",
        pairing: undefined,
        notices: [],
        close: async () => {
          seen.closed = true;
        },
        ...scene.host,
      };
    },
    attach: async (options) => {
      seen.attachOptions = options;
      if (scene.attachError) throw scene.attachError;
      if (scene.attachWait) options.onWait(scene.attachWait);
      for (const error of scene.attachRefusals ?? []) options.onRefused(error);
      if (!scene.attachment?.ended) setImmediate(() => moments.emit("started"));
      return {
        origin: "https://devbox:7420",
        socketPath: options.socketPath ?? "/home/attach/devbox.sock",
        isNew: false,
        ended: new Promise(() => {}),
        close: async () => {
          seen.closed = true;
        },
        ...scene.attachment,
      };
    },
    writeSchema: async (folder) => [`${folder}/schema.json`],
    verifyAudit: async ({ dir }) => `looked into ${dir}`,
    exportAudit: async ({ format }) => [`the log as ${format}\n`],
    checkIssuers,
    checkStore,
    checkSandbox: async () => {
      if (scene.noSandbox === undefined) return "bubblewrap";
      throw new Error(scene.noSandbox);
    },
    openControlSocket,
    untilAskedToStop: () => hasStarted.then(() => scene.whileUp?.()),
  };
  const code = await runProgram(argv, {
    outside,
    version: "9.9.9",
    clone: scene.clone ?? import.meta.dirname,
    startedIn: scene.startedIn ?? "/",
  });
  return {
    code,
    out: stdout.text,
    err: stderr.text,
    options: seen.options,
    attachOptions: seen.attachOptions,
    closed: seen.closed,
  };
}
