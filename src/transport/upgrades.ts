/** The way of a WebSocket upgrade: door, handshake rules, caps, authentication within its time, socket. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { Socket } from "node:net";
import type { AuditWho } from "../audit/port.ts";
import type { Gatekeeper, RequestFacts } from "../auth/port.ts";
import { AuthError } from "../auth/port.ts";
import type { Principal } from "../protocol/principal.ts";
import { networkOf } from "../util/network-of.ts";
import { perMinute, TokenBuckets } from "../util/token-buckets.ts";
import type { Connections } from "./connections.ts";
import type { Door } from "./door.ts";
import type { Log } from "./log.ts";
import { errorFacts } from "./log.ts";
import type { Caps, Timeouts } from "./options.ts";
import type { Refusal } from "./refusal.ts";
import { noRoom, refusalFor, refuseUpgrade, tooManyCalls } from "./refusal.ts";
import type { RefusalLog } from "./refusal-log.ts";
import type { Credential } from "./upgrade-request.ts";
import { handshakeRefusal, readUpgrade } from "./upgrade-request.ts";

export interface UpgradesOptions {
  readonly gatekeeper: Gatekeeper;
  readonly door: Door;
  readonly connections: Connections;
  readonly log: Log;
  readonly refusals: RefusalLog;
  readonly caps: Caps;
  readonly timeouts: Timeouts;
}

/** An upgrade that waits for authentication. */
interface HalfOpen {
  readonly request: IncomingMessage;
  readonly raw: Socket;
  readonly head: Buffer;
  readonly address: string;
  readonly limitKey: string | undefined;
  /** Principals and grants that lost their access while this one was being verified. */
  readonly ended: Set<string>;
  over: boolean;
}

const localAdmin: Principal = {
  kind: "local",
  id: "local",
  name: "control.sock",
  role: "admin",
  address: "control.sock",
};

export class Upgrades {
  readonly #options: UpgradesOptions;
  readonly #halfOpen = new Set<HalfOpen>();
  readonly #failures: TokenBuckets;
  #closing = false;

  constructor(options: UpgradesOptions) {
    this.#options = options;
    this.#failures = new TokenBuckets(perMinute(options.caps.authCallsPerMinute));
  }

  /** An upgrade that came over TCP. Listener of a server's `upgrade`. */
  readonly overTcp = (request: IncomingMessage, duplex: Duplex, head: Buffer): void => {
    const raw = rawSocket(duplex);
    if (!raw) return;
    const { door, connections, caps } = this.#options;
    const refusal = this.#closing ? goingDown : door.refusal(request);
    if (refusal) return this.#refuse(raw, refusal, door.facts(request).address);
    const facts = door.facts(request);
    const reading = readUpgrade(request);
    if (reading.kind === "refused") return this.#refuse(raw, reading.refusal, facts.address);
    const key = networkOf(facts.address);
    const waitMs = this.#failures.wait(key);
    if (waitMs > 0) return this.#refuse(raw, tooManyCalls(waitMs), facts.address);
    if (this.#halfOpen.size >= caps.halfOpen) {
      return this.#refuse(raw, noRoom("Too many connections are being opened."), facts.address);
    }
    // Everything on this machine shares one address; only what a proxy brings is told apart by it.
    const counted = facts.loopback && !facts.forwarded ? undefined : key;
    const full = connections.enter(counted);
    if (full !== undefined) return this.#refuse(raw, noRoom(full), facts.address);
    this.#authenticate(
      {
        request,
        raw,
        head,
        address: facts.address,
        limitKey: counted,
        ended: new Set(),
        over: false,
      },
      reading.credential,
      facts,
    );
  };

  /** An upgrade over control.sock: whoever can open the file is the local admin. */
  readonly overControlSocket = (request: IncomingMessage, duplex: Duplex, head: Buffer): void => {
    const raw = rawSocket(duplex);
    if (!raw) return;
    const { connections } = this.#options;
    const refusal = this.#closing ? goingDown : handshakeRefusal(request);
    if (refusal) return this.#refuse(raw, refusal, "control.sock");
    const full = connections.enter(undefined);
    if (full !== undefined) return this.#refuse(raw, noRoom(full), "control.sock");
    this.#open({ request, raw, head, limitKey: undefined }, localAdmin);
  };

  /** To be told at once, so that nobody slips in whose access ended while it was being verified. */
  ended(id: string): void {
    for (const waiting of this.#halfOpen) waiting.ended.add(id);
  }

  /** Refuses what comes from now on and what still waits. */
  close(): void {
    this.#closing = true;
    for (const waiting of this.#halfOpen) this.#drop(waiting, goingDown);
  }

  #authenticate(waiting: HalfOpen, credential: Credential, facts: RequestFacts): void {
    const { gatekeeper, timeouts } = this.#options;
    this.#halfOpen.add(waiting);
    const timer = setTimeout(() => this.#drop(waiting, tooSlow), timeouts.upgradeMs);
    admission(gatekeeper, credential, facts)
      .then(
        (principal) => this.#admit(waiting, principal),
        (error: unknown) => this.#deny(waiting, error),
      )
      .catch((error: unknown) => {
        this.#options.log.error("upgrade_failed", errorFacts(error));
        waiting.raw.destroy();
      })
      .finally(() => clearTimeout(timer));
  }

  #admit(waiting: HalfOpen, principal: Principal): void {
    if (waiting.over) return;
    const { id, grant } = principal;
    if (waiting.ended.has(id) || (grant !== undefined && waiting.ended.has(grant)))
      return this.#drop(waiting, accessEnded, principal);
    this.#release(waiting);
    this.#open(waiting, principal);
  }

  #open(upgrade: Pick<HalfOpen, "request" | "raw" | "head" | "limitKey">, by: Principal): void {
    const { connections } = this.#options;
    const { request, raw, head, limitKey: key } = upgrade;
    raw.off("error", destroySelf);
    if (!connections.open(request, raw, head, by, key)) connections.leave(key);
  }

  #deny(waiting: HalfOpen, error: unknown): void {
    if (waiting.over) return;
    if (error instanceof AuthError) this.#failures.take(networkOf(waiting.address));
    else this.#options.log.error("authentication_failed", errorFacts(error));
    this.#drop(waiting, refusalFor(error), error instanceof AuthError ? error.who : undefined);
  }

  #drop(waiting: HalfOpen, refusal: Refusal, who?: AuditWho): void {
    if (waiting.over) return;
    this.#release(waiting);
    this.#options.connections.leave(waiting.limitKey);
    this.#refuse(waiting.raw, refusal, waiting.address, who);
  }

  #release(waiting: HalfOpen): void {
    waiting.over = true;
    this.#halfOpen.delete(waiting);
  }

  #refuse(raw: Socket, refusal: Refusal, address: string, who?: AuditWho): void {
    this.#options.refusals.add("upgrade", refusal, address, who);
    refuseUpgrade(raw, refusal);
  }
}

function admission(
  gatekeeper: Gatekeeper,
  credential: Credential,
  facts: RequestFacts,
): Promise<Principal> {
  if (credential.kind === "ticket") return gatekeeper.admitTicket(credential.ticket, facts);
  if (credential.kind === "bearer") return gatekeeper.admitBearer(credential.token, facts);
  return gatekeeper.admitAssertion(credential.assertion, credential.account, facts);
}

/** Node gives the socket as a Duplex. Until ws takes it over, its errors mean only that the peer has gone. */
function rawSocket(duplex: Duplex): Socket | undefined {
  if (!(duplex instanceof Socket)) {
    duplex.destroy();
    return undefined;
  }
  duplex.on("error", destroySelf);
  return duplex;
}

function destroySelf(this: Socket): void {
  this.destroy();
}

const goingDown: Refusal = {
  status: 503,
  code: "going_down",
  message: "The host is going down.",
  nextStep: "Come back in a moment.",
  headers: { "retry-after": "5" },
};

const tooSlow: Refusal = {
  status: 408,
  code: "authentication_timeout",
  message: "Authentication took too long.",
  nextStep: "Try again.",
};

const accessEnded: Refusal = {
  status: 401,
  code: "access_ended",
  message: "This access has just ended.",
  nextStep: "Pair the device again, or make a new token with `npx farhelm token`.",
};
