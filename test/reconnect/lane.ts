/** A home and the hosts that live in it one after another, for many runs; in this process, or in processes that are killed. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { RunningHost } from "../../src/cli/host.ts";
import { freshBuild } from "../helpers/fresh-build.ts";
import type { KillHomes } from "../helpers/kill-host.ts";
import { KillableHost, killHomes, removeHomes } from "../helpers/kill-host.ts";
import { killConfig } from "../helpers/kill-run.ts";
import type { MockModel } from "../helpers/mock-model.ts";
import type { PostgresTestDatabase } from "../helpers/postgres-database.ts";
import { startPostgresDatabase } from "../helpers/postgres-database.ts";
import { HostClient, startOn, stop } from "../helpers/running-host.ts";
import type { Device } from "./library-client.ts";
import { pairedDevice } from "./paired-device.ts";
import { startTalkModel } from "./talk-model.ts";

/** Hosts in this process with one of the stores, or in processes of their own. */
export type LaneKind = "local" | "memory" | "postgres" | "killed";

const writeStderr = process.stderr.write.bind(process.stderr);
// Clients that come while their host ends are turned away by the hundred: that is no news of a run.
process.stderr.write = (chunk: string | Uint8Array): boolean =>
  (typeof chunk === "string" && chunk.includes('"event":"refused"')) || writeStderr(chunk);

/** As many as a run has clients at most: each has an access of its own. */
const accesses = 5;
const accessTtlMs = 10 * 3_600_000;
let lanes = 0;

export class Lane {
  readonly kind: LaneKind;
  readonly homes: KillHomes;
  readonly #model: MockModel;
  readonly #database: PostgresTestDatabase | undefined;
  readonly #number = (lanes += 1);
  #inProcess: RunningHost | undefined;
  #process: KillableHost | undefined;
  /** The same for all its hosts: a device knows one origin. */
  #port = 0;
  #tokens: readonly string[] = [];
  #device: Device | undefined;
  #runs = 0;
  #addresses = 0;

  private constructor(kind: LaneKind, model: MockModel, database?: PostgresTestDatabase) {
    this.kind = kind;
    this.#model = model;
    this.#database = database;
    this.homes = killHomes(killConfig(model));
  }

  static async start(kind: LaneKind): Promise<Lane> {
    const model = await startTalkModel();
    const database = kind === "postgres" ? await startPostgresDatabase() : undefined;
    const lane = new Lane(kind, model, database);
    await lane.up();
    const admin = await lane.umpire();
    const issue = async (_: unknown, at: number): Promise<string> => {
      const params = { name: `client ${at}`, role: "operator", ttlMs: accessTtlMs };
      return String((await admin.call("farhelm/token/issue", params))["token"]);
    };
    lane.#tokens = await Promise.all(Array.from({ length: accesses }, issue));
    lane.#device = await pairedDevice(`http://localhost:${lane.#port}`, admin);
    admin.drop();
    return lane;
  }

  get port(): number {
    return this.#port;
  }

  tokenOf(client: number): string {
    return this.#tokens[client] ?? "";
  }

  /** The device of the program's own clients. */
  get device(): Device {
    if (this.#device === undefined) throw new Error("no device is paired");
    return this.#device;
  }

  /** Sign-ins are counted by address: on Linux every client comes from one of its own. */
  nextAddress(): string | undefined {
    if (process.platform !== "linux") return undefined;
    this.#addresses += 1;
    return `127.${50 + (this.#number % 200)}.${this.#addresses >> 8}.${this.#addresses & 255}`;
  }

  /** A folder that no other run has. */
  folder(seed: number): string {
    const folder = join(this.homes.work, `run-${seed}-${(this.#runs += 1)}`);
    mkdirSync(folder);
    return folder;
  }

  /** A local admin, which nothing goes wrong with. */
  umpire(): Promise<HostClient> {
    return HostClient.connect(this.homes);
  }

  async up(): Promise<void> {
    if (this.kind !== "killed") {
      const { codexHome, farhelmHome, work: cwd, root } = this.homes;
      // What a shell reads at its start is none of the person's who runs the tests.
      process.env["HOME"] = root;
      const homes = { root, codexHome, farhelmHome, cwd };
      this.#inProcess = await startOn(homes, {
        listen: { host: "127.0.0.1", port: this.#port },
        store: this.kind,
        databaseUrl: this.#database?.url,
      });
      this.#port = Number(new URL(this.#inProcess.url).port);
      return;
    }
    await freshBuild();
    this.#process = new KillableHost(this.homes, this.#port);
    this.#port = Number(new URL(await this.#process.ready()).port);
  }

  async end(): Promise<void> {
    await this.down("restart");
    await this.#database?.close();
    await this.#model.close();
    removeHomes(this.homes);
  }

  /** Ends the host, with or without a chance to clean up. */
  async down(how: "restart" | "kill"): Promise<void> {
    if (this.#inProcess !== undefined) await stop(this.#inProcess);
    if (how === "kill") this.#process?.strike();
    else await this.#process?.stop();
    await this.#process?.ended();
    this.#inProcess = undefined;
    this.#process = undefined;
  }
}
