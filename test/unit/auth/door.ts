import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostActor } from "../../../src/audit/port.ts";
import { createAuth, type Auth } from "../../../src/auth/auth.ts";
import { AuthError, type RequestFacts } from "../../../src/auth/port.ts";
import { ReceiptBook } from "../../../src/audit/receipts.ts";
import { openDatabase, type Database } from "../../../src/db/database.ts";
import {
  ConnectFinish,
  ConnectStart,
  PairFinish,
  PairStart,
  PairStatus,
  TokenFinish,
  TokenStart,
  type ConnectionPayload,
} from "../../../src/protocol/auth-api.ts";
import type { Role } from "../../../src/protocol/principal.ts";
import { MemoryAudit } from "../../helpers/memory-audit.ts";
import { SoftDevice } from "./soft-device.ts";

export const facts: RequestFacts = {
  address: "127.0.0.1",
  loopback: true,
  tls: false,
  forwarded: false,
  origin: "http://localhost:7420",
};

/** No approval has to be signed; receipts would go below `home`. */
export const unsigned = (home: string) => ({
  approvals: { signed: [], signedRoles: [] },
  receipts: new ReceiptBook(join(home, "audit"), { error: () => {} }),
});

type DoorOptions = Partial<
  Pick<
    Parameters<typeof createAuth>[0],
    "allowRemoteHeadless" | "approvals" | "receipts" | "onGeneration" | "foreigners"
  >
>;

/** An auth room on a temp folder and a database file, with a clock that stands still. */
export class Door {
  nowMs = 1_800_000_000_000;
  readonly home = mkdtempSync(join(tmpdir(), "farhelm-auth-"));
  readonly audit = new MemoryAudit();
  readonly databaseFile = join(this.home, "farhelm.sqlite");
  readonly #opened: { auth: Auth; database: Database }[] = [];

  async open(options: DoorOptions = {}): Promise<Auth> {
    const database = openDatabase(this.databaseFile);
    const nowMs = (): number => this.nowMs;
    const { audit, home: farhelmHome } = this;
    const parts = { audit, nowMs, ...unsigned(farhelmHome), ...options };
    const auth = await createAuth({ database, farhelmHome, ...parts });
    this.#opened.push({ auth, database });
    return auth;
  }

  close(): void {
    for (const { auth, database } of this.#opened.splice(0)) {
      auth.close();
      database.close();
    }
  }

  remove(): void {
    this.close();
    rmSync(this.home, { recursive: true, force: true });
  }
}

export interface Paired {
  readonly device: SoftDevice;
  readonly clientId: string;
  readonly token: string;
  readonly role: Role;
}

export async function pair(
  auth: Auth,
  options: { device?: SoftDevice; role?: Role; ttlMs?: number; name?: string } = {},
): Promise<Paired> {
  const device = options.device ?? new SoftDevice();
  const { ttlMs: deviceTtlMs, name: deviceName = "Phone" } = options;
  const { id, secret } = auth.pairing.offer(
    options.role ?? "operator",
    hostActor,
    deviceTtlMs === undefined ? {} : { deviceTtlMs },
  );
  const call = (path: string, body: object): Promise<unknown> =>
    auth.api.call(path, body, facts, undefined);
  const { commitment, nonce: deviceNonce } = device;
  const { challenge } = PairStart.response.parse(
    await call(PairStart.path, { secret, deviceName, commitment }),
  );
  const { challengeId } = challenge;
  const payload = { ...challenge, deviceIdentitySha256Base64url: device.identityDigest };
  const shown = { deviceIdentity: device.identity, deviceNonce, proof: device.prove(payload) };
  const first = PairFinish.response.parse(await call(PairFinish.path, { challengeId, ...shown }));
  if (first.status === "waiting") auth.pairing.confirm(id, hostActor);
  const outcome = PairStatus.response.parse(await call(PairStatus.path, { challengeId }));
  if (outcome.status !== "enrolled") throw new Error("the device still waits");
  const { token, clientId, role } = outcome;
  return { device, clientId, token, role };
}

export async function renew(auth: Auth, { device, clientId }: Paired): Promise<string> {
  const { challenge } = TokenStart.response.parse(
    await auth.api.call(TokenStart.path, { clientId }, facts, undefined),
  );
  const { challengeId } = challenge;
  const body = { challengeId, proof: device.prove(challenge) };
  const answer = await auth.api.call(TokenFinish.path, body, facts, undefined);
  return TokenFinish.response.parse(answer).token;
}

export async function connectChallenge(auth: Auth, token: string): Promise<ConnectionPayload> {
  const answer = await auth.api.call(ConnectStart.path, {}, facts, token);
  return ConnectStart.response.parse(answer).challenge;
}

export async function connect(auth: Auth, { device, token }: Paired): Promise<string> {
  const challenge = await connectChallenge(auth, token);
  const body = { sessionId: challenge.sessionId, proof: device.prove(challenge) };
  const answer = await auth.api.call(ConnectFinish.path, body, facts, token);
  return ConnectFinish.response.parse(answer).ticket;
}

/** The code of the refusal that the promise ends with, or what it gave. */
export async function refusalOf(outcome: Promise<unknown>): Promise<unknown> {
  try {
    return { admitted: await outcome };
  } catch (error) {
    if (error instanceof AuthError) return error.code;
    throw error;
  }
}
