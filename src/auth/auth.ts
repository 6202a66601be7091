/** Joins the parts of this room. */
import {
  by,
  hostActor,
  type Audit,
  type AuditAct,
  type AuditWho,
  type Receipts,
} from "../audit/port.ts";
import type { ApprovalSettings } from "../config/approval-settings.ts";
import type { LineLog } from "../util/line-log.ts";
import type { Database } from "../db/database.ts";
import { AccessGeneration, type StatedGeneration } from "./access-generation.ts";
import { AccessEnds } from "./access-ends.ts";
import { DeviceNotary } from "./approval-notary.ts";
import { EnrollmentChallenges } from "./challenges.ts";
import { Connection } from "./connection.ts";
import { DeviceRegistry } from "./device-registry.ts";
import { ForeignDenials } from "./foreign-denials.ts";
import { ForeignDoor, type ForeignDoorOptions } from "./foreign-door.ts";
import { HostAuthApi } from "./host-auth-api.ts";
import { HostDevices } from "./host-devices.ts";
import { HostForeigners } from "./host-foreigners.ts";
import { HostGatekeeper } from "./host-gatekeeper.ts";
import { hostTokens } from "./host-tokens.ts";
import { loadIssuerKey } from "./issuer-key.ts";
import { PairingBook } from "./pairing-book.ts";
import { deviceFacts, HostPairingDesk } from "./pairing-desk.ts";
import { Pairing, type PairedDevice } from "./pairing.ts";
import type {
  ApprovalNotary,
  AuthApi,
  DeviceAdmin,
  EndReason,
  Gatekeeper,
  PairingDesk,
  Standing,
} from "./port.ts";
import { Renewal } from "./renewal.ts";
import { TokenBuckets } from "../util/token-buckets.ts";

export interface Auth {
  readonly gatekeeper: Gatekeeper;
  readonly api: AuthApi;
  readonly devices: DeviceAdmin;
  readonly notary: ApprovalNotary;
  readonly standing: Standing;
  readonly pairing: PairingDesk;
  /** RFC 7638 thumbprint of the host's key, for devices to pin. */
  readonly hostFingerprint: string;
  /** Ends timers and listeners; the database stays open. */
  close(): void;
}

interface AuthOptions {
  readonly database: Database;
  /** The folder of the host's own state; the issuer key is made here at the first start. */
  readonly farhelmHome: string;
  readonly audit: Audit;
  /** Which approvals must be signed, and where their receipts go. */
  readonly approvals: ApprovalSettings;
  readonly receipts: Receipts;
  /** Of farhelm.toml. Default: no other issuers, no agents. */
  readonly foreigners?: Pick<ForeignDoorOptions, "issuers" | "agents">;
  readonly log?: Pick<LineLog, "warn">;
  /** The clock, in Unix milliseconds. */
  readonly nowMs?: () => number;
  /** Accepts headless tokens from other machines too. Default false. */
  readonly allowRemoteHeadless?: boolean;
  /** Called when access was taken away, with what devices should keep of it. */
  readonly onGeneration?: (told: StatedGeneration) => void;
}

/** Calls of one address that start a sign-in: a family behind one router fits, a search does not. */
const startsPerAddress = { burst: 60, perSecond: 2 };

/** What becomes of a pairing without anybody deciding it. */
const ownActs: ReadonlyMap<string, AuditAct> = new Map([
  ["expired", "pair.expire"],
  ["locked", "pair.lock"],
]);

/** Throws an `Error` that says what to do when the host key cannot be read or made. */
export async function createAuth(options: AuthOptions): Promise<Auth> {
  const nowMs = options.nowMs ?? Date.now;
  const { audit } = options;
  const tokens = await hostTokens(await loadIssuerKey(options.farhelmHome), nowMs);
  const generation = new AccessGeneration(options.database, tokens, nowMs);
  const registry = new DeviceRegistry(options.database, generation, nowMs);
  const ends = new AccessEnds(registry, nowMs);
  ends.listen(expiryNotes(audit));
  const generationRaised = (): void => {
    void generation.stated().then((stated) => options.onGeneration?.(stated));
  };
  const { foreign, admin } = foreignRoom(options, { generation, ends, generationRaised, nowMs });
  const challenges = new EnrollmentChallenges(tokens.hostId, generation, nowMs);
  const restored = (device: AuditWho): void => {
    noteRestore(audit, device, generation.current);
    for (const { id } of registry.live()) ends.tell(id, "restored");
    foreign.lock();
  };
  const connection = new Connection({ registry, tokens, generation }, restored, nowMs);
  const { hostFingerprint } = tokens;
  const book = auditedBook(audit, nowMs);

  const revoked = (ids: readonly string[]): void => {
    for (const id of ids) {
      challenges.dropClient(id);
      connection.dropDevice(id);
      ends.tell(id, "revoked");
    }
    if (ids.length > 0) generationRaised();
  };

  const changed = (id: string): void => {
    ends.arm();
    connection.dropDevice(id);
    ends.tell(id, "changed");
    generationRaised();
  };
  const enroll = (device: PairedDevice): void => {
    const replaced = registry.addDevice(device);
    if (device.expiresAtMs !== null) ends.arm();
    if (replaced === undefined) return;
    noteReplaced(audit, { id: replaced, replacedBy: device.id });
    revoked([replaced]);
  };
  const devices = new HostDevices(
    { registry, tokens, generation, audit, foreign: admin },
    { revoked, changed, endsAdded: () => ends.arm(), generationRaised },
    nowMs,
  );
  const hasDevices = (): boolean => devices.hasDevices();
  const api = new HostAuthApi({
    audit,
    tokens,
    registry,
    pairing: new Pairing({ book, challenges, hostFingerprint, nowMs, hasDevices, enroll }),
    renewal: new Renewal(registry, challenges, nowMs),
    connection,
    foreign,
    starts: new TokenBuckets(startsPerAddress, nowMs),
    nowMs,
  });
  const gatekeeper = new HostGatekeeper(
    { registry, tokens, connection, ends, generation, foreign },
    { allowRemoteHeadless: options.allowRemoteHeadless ?? false, nowMs },
  );
  const { approvals, receipts } = options;
  const notary = new DeviceNotary(approvals, tokens.hostId, { registry, receipts, nowMs });
  return {
    gatekeeper,
    api,
    devices,
    notary,
    standing: gatekeeper,
    pairing: new HostPairingDesk({ book, audit, hasDevices }),
    hostFingerprint,
    close() {
      foreign.close();
      ends.close();
      book.close();
    },
  };
}

function auditedBook(audit: Audit, nowMs: () => number): PairingBook {
  const book = new PairingBook(nowMs);
  book.listen((state) => {
    const act = ownActs.get(state.phase);
    if (act === undefined) return;
    const about = { pairing: state.offer.id, ...deviceFacts(state) };
    audit.add({ act, outcome: "done", ...by(hostActor), about });
  });
  return book;
}

function noteRestore(audit: Audit, { kind, id, name }: AuditWho, generation: number): void {
  const who = by({ kind, id, name, address: "" });
  audit.add({ act: "restore.found", outcome: "done", ...who, about: { generation } });
}

function noteReplaced(audit: Audit, about: { id: string; replacedBy: string }): void {
  audit.add({ act: "access.revoke", outcome: "done", ...by(hostActor), about });
}

const expiryNotes =
  (audit: Audit) =>
  (id: string, reason: EndReason): void => {
    if (reason !== "expired") return;
    audit.add({ act: "access.expire", outcome: "done", ...by(hostActor), about: { id } });
  };

/** The door for those whom this host does not know itself, and what admins do about them. */
function foreignRoom(
  { database, foreigners: configured, farhelmHome, log, audit }: AuthOptions,
  parts: {
    generation: AccessGeneration;
    ends: AccessEnds;
    generationRaised: () => void;
    nowMs: () => number;
  },
): { foreign: ForeignDoor; admin: HostForeigners } {
  const { generation, ends, generationRaised, nowMs } = parts;
  const denials = new ForeignDenials(database, generation, nowMs);
  const foreign = new ForeignDoor({
    issuers: [],
    agents: [],
    ...configured,
    denials,
    farhelmHome,
    nowMs,
    checkOpen: (who) => generation.checkOpen(who),
    onDrop: (grantId, reason) => ends.tell(grantId, reason),
    warn: (event, fields) => log?.warn(event, fields),
    onEnd({ id, principalId }, reason) {
      const about = { id: principalId };
      audit.add({ act: "access.expire", outcome: "done", code: reason, ...by(hostActor), about });
      ends.tell(id, reason);
    },
  });
  const admin = new HostForeigners({ door: foreign, denials, audit }, generationRaised);
  return { foreign, admin };
}
