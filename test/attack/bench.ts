/** A real host under attack, and what attackers and honest devices do at its door. */
import { WebSocket } from "ws";
import type { z } from "zod";
import type { HostOptions, RunningHost } from "../../src/cli/host.ts";
import {
  ConnectFinish,
  ConnectStart,
  PairFinish,
  PairStart,
  PairStatus,
  TokenFinish,
  TokenStart,
  type ConnectionPayload,
} from "../../src/protocol/auth-api.ts";
import type { Role } from "../../src/protocol/principal.ts";
import { HostProcess, type HostProcessOptions } from "../helpers/host-process.ts";
import { rawExchange, rawSocket, upgradeText, type RawAnswer } from "../helpers/raw-http.ts";
import {
  HostClient,
  startOn,
  stop,
  stopHosts,
  temporaryHomes,
  type Homes,
} from "../helpers/running-host.ts";
import { SoftDevice } from "../unit/auth/soft-device.ts";
import { auditText } from "./audit-lines.ts";

export interface BenchOptions {
  /** The text of config.toml; without it the built-in offline agent answers. */
  readonly config?: string;
  /** What `farhelm up` would be told otherwise. */
  readonly changes?: Partial<HostOptions>;
  /** Writes into the homes before the host starts. */
  readonly prepare?: (homes: Homes) => Promise<void> | void;
  /** The built program in a process of its own; `changes` and `prepare` do not apply. */
  readonly program?: HostProcessOptions;
}

/** A device that was paired honestly. */
export interface Paired {
  readonly device: SoftDevice;
  readonly clientId: string;
  readonly token: string;
  readonly role: Role;
}

export interface CallOptions {
  readonly bearer?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly method?: string;
}

type HeaderChanges = Readonly<Record<string, string | undefined>>;

const realNow = Date.now.bind(Date);
let aheadMs = 0;
// Before any host takes hold of the clock: one that runs in this process lives by it.
Date.now = () => realNow() + aheadMs;

let said = "";
const writeStderr = process.stderr.write.bind(process.stderr);
// What a host in this process says belongs to the attack, not to the output of the run.
process.stderr.write = (chunk: string | Uint8Array): boolean => {
  said += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString();
  return true;
};

let benches = 0;

export class Bench {
  readonly homes: Homes;
  readonly #options: BenchOptions;
  /** The host's own process, where it has one: its output and its commands. */
  readonly #program: HostProcess | undefined;
  #host: RunningHost | undefined;
  #url: string;
  #admin: HostClient | undefined;
  #moves = 0;
  readonly #number = ++benches;

  private constructor(options: BenchOptions, homes: Homes, url: string, program?: HostProcess) {
    this.#options = options;
    this.homes = homes;
    this.#url = url;
    this.#program = program;
  }

  static async start(options: BenchOptions = {}): Promise<Bench> {
    if (options.program) {
      const program = await HostProcess.start(options.program);
      const { home } = program;
      const homes = {
        root: home,
        cwd: home,
        codexHome: `${home}/.codex`,
        farhelmHome: `${home}/.farhelm`,
      };
      return new Bench(options, homes, program.url, program);
    }
    const homes = temporaryHomes(options.config ?? "");
    await options.prepare?.(homes);
    const bench = new Bench(options, homes, "");
    await bench.up();
    return bench;
  }

  /** Starts the host again on the same homes, after `down`. */
  async up(): Promise<void> {
    this.#host = await startOn(this.homes, this.#options.changes);
    this.#url = this.#host.url;
  }

  /** Ends the host; its homes stay. */
  async down(): Promise<void> {
    this.#admin?.drop();
    this.#admin = undefined;
    if (this.#host) await stop(this.#host);
    this.#host = undefined;
  }

  async end(): Promise<void> {
    aheadMs = 0;
    await this.down();
    await this.#program?.stop();
    await stopHosts();
  }

  /** The canonical origin, `http://localhost:PORT` where nothing else is set. */
  get url(): string {
    return this.#url;
  }

  get port(): number {
    return Number(new URL(this.#url).port);
  }

  get farhelmHome(): string {
    return this.homes.farhelmHome;
  }

  get program(): HostProcess {
    if (this.#program === undefined) throw new Error("this host has no process of its own");
    return this.#program;
  }

  /** What the host wrote so far: its log, and with a process of its own all output. */
  get said(): string {
    return this.#program?.said ?? said;
  }

  /** The end of `said`, for people, where an attack fails. */
  tell(): void {
    writeStderr(`${this.said.split("\n").slice(-40).join("\n")}\n`);
  }

  /** Everything that stands in the audit log. */
  auditText(): string {
    return auditText(this.farhelmHome);
  }

  /** The pairing link of the start; undefined where a device exists. */
  get firstLink(): string | undefined {
    return this.#host?.pairing?.url;
  }

  /** Limits are counted by address: on Linux every attack comes from one of its own. */
  get address(): string {
    if (process.platform !== "linux") return "127.0.0.1";
    return `127.${100 + this.#number}.${this.#moves >> 8}.${this.#moves & 255}`;
  }

  /** From the next address, and at the real time. */
  moveOn(): void {
    this.#moves += 1;
    aheadMs = 0;
  }

  /** The clock of a host in this process goes ahead; its timers do not. */
  passTime(ms: number): void {
    if (this.#program) throw new Error("the clock of another process is not ours");
    aheadMs += ms;
  }

  /** Writes exactly this text and reads one answer. */
  raw(text: string, from = this.address): Promise<RawAnswer> {
    return rawExchange({ port: this.port, from }, text);
  }

  rawSocket(from = this.address) {
    return rawSocket({ port: this.port, from });
  }

  /** An upgrade as a native client sends it; `changes` replace headers, undefined leaves one out. */
  upgrade(changes: HeaderChanges = {}, target = "/", ...line: string[]): Promise<RawAnswer> {
    return this.raw(upgradeText(target, { Host: `localhost:${this.port}`, ...changes }, ...line));
  }

  /** The upgrade of a page of this host that holds `ticket`. */
  ticketUpgrade(ticket: string, changes: HeaderChanges = {}): Promise<RawAnswer> {
    const offers = { "Sec-WebSocket-Protocol": `farhelm.v1, farhelm.ticket.${ticket}` };
    return this.upgrade({ Origin: this.url, ...offers, ...changes }, "/ws");
  }

  /** A request with Host and `Connection: close`; a body is JSON unless it is a text. */
  async request(path: string, body?: unknown, options: CallOptions = {}): Promise<RawAnswer> {
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const headers = {
      Host: `localhost:${this.port}`,
      Connection: "close",
      "Content-Type": text === undefined ? undefined : "application/json",
      "Content-Length": text === undefined ? undefined : String(Buffer.byteLength(text)),
      Authorization: options.bearer === undefined ? undefined : `Bearer ${options.bearer}`,
      ...options.headers,
    };
    const lines = Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}: ${value}`],
    );
    const method = options.method ?? (text === undefined ? "GET" : "POST");
    return this.raw(`${method} ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${text ?? ""}`);
  }

  /** A call under /auth that must succeed; rejects with the refusal's code. */
  async call<R extends z.ZodType>(
    { path, response }: { readonly path: string; readonly response: R },
    body: object,
    bearer?: string,
  ): Promise<z.output<R>> {
    const answer = await this.request(path, body, bearer === undefined ? {} : { bearer });
    if (answer.status !== 200) throw new Error(`${path}: ${codeOf(answer)}`);
    return response.parse(JSON.parse(answer.body));
  }

  /** The local admin, over control.sock. */
  async admin(): Promise<HostClient> {
    return (this.#admin ??= await HostClient.connect(this.homes));
  }

  /** A headless token. */
  async token(role: Role, ttlMs = 600_000): Promise<string> {
    const admin = await this.admin();
    const { token } = await admin.call("farhelm/token/issue", { name: role, role, ttlMs });
    return String(token);
  }

  /** An initialised connection of this role, by a headless token, from this attack's address. */
  async clientAs(role: Role): Promise<HostClient> {
    const headers = { authorization: `Bearer ${await this.token(role)}` };
    const url = `ws://127.0.0.1:${this.port}/`;
    return HostClient.initialized(new WebSocket(url, { headers, localAddress: this.address }));
  }

  /** A new pairing: its id, its link and the secret of it, and its code. */
  async offer(role: Role): Promise<{ id: string; url: string; secret: string; code: string }> {
    const { id, url, code } = await (await this.admin()).call("farhelm/pair/offer", { role });
    const [secret = ""] = new URL(String(url)).hash.slice(1).split(".");
    return { id: String(id), url: String(url), secret, code: String(code) };
  }

  /** Lets the device in that comes with this pairing, as soon as it waits. The first one of a host needs nobody. */
  async confirm(id: string): Promise<void> {
    const admin = await this.admin();
    const { params } = await admin.until((sent) => {
      const pairing = Object(Object(sent.params)["pairing"]);
      const come = ["proved", "enrolled"].includes(pairing["phase"]);
      return sent.method === "farhelm/pair/changed" && pairing["id"] === id && come;
    });
    const { phase } = Object(Object(params)["pairing"]);
    if (phase === "proved") await admin.call("farhelm/pair/confirm", { id });
  }

  /** The secret of a new pairing link. */
  async pairingSecret(role: Role): Promise<string> {
    return (await this.offer(role)).secret;
  }

  /** A device of this role, paired and confirmed as people do it. The first one of a host is an admin, whatever was asked for. */
  async pair(role: Role, device = new SoftDevice()): Promise<Paired> {
    const { id, secret } = await this.offer(role);
    const { commitment, nonce: deviceNonce, identity: deviceIdentity } = device;
    const { challenge } = await this.call(PairStart, { secret, deviceName: role, commitment });
    const { challengeId } = challenge;
    const payload = { ...challenge, deviceIdentitySha256Base64url: device.identityDigest };
    const shown = { deviceIdentity, deviceNonce, proof: device.prove(payload) };
    const { status } = await this.call(PairFinish, { challengeId, ...shown });
    if (status === "waiting") await (await this.admin()).call("farhelm/pair/confirm", { id });
    const paired = await this.call(PairStatus, { challengeId });
    if (paired.status !== "enrolled") throw new Error("the device still waits");
    return { device, clientId: paired.clientId, token: paired.token, role: paired.role };
  }

  /** A new token of a paired device. */
  async renew({ device, clientId }: Pick<Paired, "device" | "clientId">): Promise<string> {
    const { challenge } = await this.call(TokenStart, { clientId });
    const { challengeId } = challenge;
    return (await this.call(TokenFinish, { challengeId, proof: device.prove(challenge) })).token;
  }

  async connectChallenge(token: string): Promise<ConnectionPayload> {
    return (await this.call(ConnectStart, {}, token)).challenge;
  }

  /** A ticket of a paired device. */
  async ticket({ device, token }: Pick<Paired, "device" | "token">): Promise<string> {
    const challenge = await this.connectChallenge(token);
    const body = { sessionId: challenge.sessionId, proof: device.prove(challenge) };
    return (await this.call(ConnectFinish, body, token)).ticket;
  }

  /** An initialised connection of a paired device, as a page opens it. */
  async connect(paired: Pick<Paired, "device" | "token">): Promise<HostClient> {
    return HostClient.initialized(this.ticketSocket(await this.ticket(paired)));
  }

  ticketSocket(ticket: string): WebSocket {
    return new WebSocket(
      `ws://127.0.0.1:${this.port}/ws`,
      ["farhelm.v1", `farhelm.ticket.${ticket}`],
      { origin: this.url, localAddress: this.address },
    );
  }

  /** After an attack the host must do its work for others. */
  async stillAnswers(): Promise<void> {
    const { status } = await rawExchange(
      { port: this.port },
      `GET /healthz HTTP/1.1\r\nHost: localhost:${this.port}\r\nConnection: close\r\n\r\n`,
    );
    if (status !== 200) throw new Error(`/healthz answers ${status}`);
  }
}

/** The stable code of a refused call; its status where it has none. */
export function codeOf({ status, body }: RawAnswer): string {
  try {
    return String(JSON.parse(body).error.code);
  } catch {
    return String(status);
  }
}

/** How many of these opened a WebSocket or were answered with success. */
export const admittedOf = (answers: readonly Pick<RawAnswer, "status">[]): number =>
  answers.filter(({ status }) => status < 400).length;
