import { generateKeyPairSync, sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hostActor } from "../../../src/audit/port.ts";
import type { Auth } from "../../../src/auth/auth.ts";
import type { IssuerSettings } from "../../../src/config/issuer-settings.ts";
import { openDatabase } from "../../../src/db/database.ts";
import { ConnectFinish, ConnectStart, TaskRegister } from "../../../src/protocol/auth-api.ts";
import { agentIdentityIssuer } from "../../../src/protocol/agent-identity.ts";
import type { Principal } from "../../../src/protocol/principal.ts";
import { encodePart, issuerKey, signToken } from "../../helpers/foreign-issuer.ts";
import { Door, facts, pair, refusalOf } from "./door.ts";

const key = issuerKey("ES256");
const iss = "https://id.example.com";
const issuer: IssuerSettings = {
  iss,
  aud: "farhelm",
  jwks: { file: "keys.json" },
  algorithms: ["ES256"],
  types: undefined,
  claims: { subject: ["sub"], account: ["org"], roles: undefined },
  subjects: new Map([
    ["alice", "operator"],
    ["eve", "viewer"],
  ]),
  accounts: new Map([["acme", "operator"]]),
  roles: new Map(),
  remote: false,
  refreshMs: 60_000,
  maxStaleMs: 60_000,
};
const agentKeys = generateKeyPairSync("ed25519");
const agent = {
  runtimeId: "runtime-1",
  publicKeySpkiBase64: agentKeys.publicKey
    .export({ type: "spki", format: "der" })
    .toString("base64"),
  account: "acme",
  role: "operator" as const,
};
const alice = { kind: "subject", id: `${iss}|alice` } as const;
const acme = { kind: "account", id: "acme" } as const;

let door: Door;
let auth: Auth;
let generations: Record<string, unknown>[];
let ended: string[];

async function open(): Promise<void> {
  auth = await door.open({
    foreigners: { issuers: [issuer], agents: [agent] },
    onGeneration: (stated) => void generations.push({ ...stated }),
  });
  auth.gatekeeper.onEnd((id, reason) => void ended.push(`${id} ${reason}`));
}

beforeEach(async () => {
  door = new Door();
  [generations, ended] = [[], []];
  writeFileSync(join(door.home, "keys.json"), JSON.stringify({ keys: [key.jwk] }));
  await open();
});
afterEach(() => door.remove());

const token = (claims: object): string => {
  const now = Math.floor(door.nowMs / 1000);
  return signToken(key, { iss, aud: "farhelm", iat: now, exp: now + 600, ...claims });
};
const enter = (claims: object): Promise<Principal> =>
  auth.gatekeeper.admitBearer(token(claims), facts);

const at = (): string => new Date(door.nowMs).toISOString().replace(".000Z", "Z");
const signed = (...parts: readonly string[]): string =>
  sign(null, Buffer.from(parts.join(":")), agentKeys.privateKey).toString("base64");
const register = (): Promise<unknown> => {
  const body = { agentRuntimeId: "runtime-1", timestamp: at() };
  const signature = signed("runtime-1", body.timestamp);
  return auth.api.call(TaskRegister.path, { ...body, signature }, facts, undefined);
};
const enterAs = (taskId: string): Promise<Principal> => {
  const timestamp = at();
  const signature = signed("runtime-1", taskId, timestamp);
  const members = { agent_runtime_id: "runtime-1", signature, task_id: taskId, timestamp };
  return auth.gatekeeper.admitAssertion(encodePart(members), undefined, facts);
};

describe("somebody of another issuer", () => {
  it("loses every credential at once, and is refused like a stranger until restored", async () => {
    const both = [await enter({ sub: "alice" }), await enter({ sub: "alice", jti: "2" })];
    const other = await enter({ sub: "bob", org: "acme" });
    expect(auth.devices.foreign.revoke(alice, hostActor)).toEqual({
      revoked: true,
      was: "live",
      ids: [alice.id],
    });
    expect(ended).toEqual(both.map(({ grant }) => `${grant} revoked`));
    expect([...both, other].map((each) => auth.standing.holds(each))).toEqual([false, false, true]);
    expect(auth.standing.maySend(alice.id)).toBe(false);
    expect(await refusalOf(enter({ sub: "alice" }))).toBe("bearer_invalid");
    expect(await refusalOf(enter({ sub: "nobody" }))).toBe("bearer_invalid");
    await expect(enter({ sub: "alice" })).rejects.toMatchObject({ auditCode: "foreign_revoked" });
    expect(auth.devices.foreign.list()).toEqual([{ ...alice, revokedAtMs: door.nowMs }]);
    expect(auth.devices.foreign.restore(alice, hostActor)).toBe(true);
    expect(auth.devices.foreign.restore(alice, hostActor)).toBe(false);
    expect(await enter({ sub: "alice" })).toMatchObject({ id: alice.id, role: "operator" });
    const about = { id: alice.id };
    expect(door.audit.entries.filter(({ act }) => act.startsWith("access."))).toMatchObject([
      { act: "access.revoke", outcome: "done", about },
      { act: "access.restore", outcome: "done", about },
      { act: "access.restore", outcome: "failed", code: "not_found", about },
    ]);
  });

  it("is kept out over a restart, whoever was never seen too; twice changes nothing", async () => {
    const first = auth.devices.foreign.revoke(alice, hostActor);
    const second = auth.devices.foreign.revoke(alice, hostActor);
    expect([first, second]).toEqual([
      { revoked: true, was: "unknown", ids: [] },
      { revoked: false, was: "revoked", ids: [] },
    ]);
    await expect.poll(() => generations).toMatchObject([{ accessGeneration: 1 }]);
    door.close();
    await open();
    expect(await refusalOf(enter({ sub: "alice" }))).toBe("bearer_invalid");
  });

  it("of whom farhelm.toml knows nothing is not revoked", () => {
    for (const id of [
      "https://other.example.com|alice",
      `${iss}|`,
      `${agentIdentityIssuer}|runtime-2`,
    ]) {
      expect(auth.devices.foreign.revoke({ kind: "subject", id }, hostActor)).toEqual({
        revoked: false,
        was: "unknown",
        ids: [],
      });
    }
    expect(auth.devices.foreign.list()).toEqual([]);
  });

  it("may begin queued work only while a credential for it is in use", async () => {
    expect(auth.standing.maySend(alice.id)).toBe(false);
    await enter({ sub: "alice" });
    await enter({ sub: "eve" });
    expect(auth.standing.maySend(alice.id)).toBe(true);
    expect(auth.standing.maySend(`${iss}|eve`)).toBe(false);
    expect(auth.standing.maySend("local")).toBe(true);
    door.nowMs += 600_000;
    expect(auth.standing.maySend(alice.id)).toBe(false);
  });
});

describe("an account", () => {
  it("is revoked with all that name it, agents and lists of accounts included", async () => {
    const { task_id: task } = Object(await register());
    const people = [
      await enter({ sub: "bob", org: "acme" }),
      await enter({ sub: "alice", org: ["other", "acme"] }),
      await enterAs(String(task)),
    ];
    const outside = await enter({ sub: "alice", org: "acme2" });
    const { ids, ...rest } = auth.devices.foreign.revoke(acme, hostActor);
    expect(rest).toEqual({ revoked: true, was: "live" });
    expect(new Set(ids)).toEqual(new Set(people.map(({ id }) => id)));
    expect(people.map((each) => auth.standing.holds(each))).toEqual([false, false, false]);
    expect(auth.standing.holds(outside)).toBe(true);
    expect([
      await refusalOf(enter({ sub: "bob", org: "acme" })),
      await refusalOf(enter({ sub: "alice", org: ["acme"] })),
      await refusalOf(enterAs(String(task))),
      await refusalOf(enterAs("task_unknown")),
      await refusalOf(register()),
    ]).toEqual([
      "bearer_invalid",
      "bearer_invalid",
      "assertion_invalid",
      "assertion_invalid",
      "assertion_invalid",
    ]);
    expect(door.audit.entries.at(-1)).toMatchObject({
      act: "agent.register",
      outcome: "denied",
      code: "foreign_revoked",
      who: { kind: "foreign", id: `${agentIdentityIssuer}|runtime-1` },
    });
    auth.devices.foreign.restore(acme, hostActor);
    expect(await enterAs(String(task))).toMatchObject({ kind: "foreign" });
  });
});

describe("a host that was restored", () => {
  it("closes and refuses those of other issuers too, until that is confirmed", async () => {
    const paired = await pair(auth);
    const { id } = await auth.devices.issueHeadless("ci", "viewer", 60_000, hostActor);
    auth.devices.revoke(id, hostActor);
    await expect.poll(() => generations).toHaveLength(1);
    const { accessGeneration: knownGeneration, generationStatement } = generations[0] ?? {};
    const database = openDatabase(door.databaseFile);
    database.exec("UPDATE auth_generation SET generation = 0");
    database.close();
    const principal = await enter({ sub: "alice" });
    ended = [];

    const known = { knownGeneration, generationStatement };
    const start = await auth.api.call(ConnectStart.path, known, facts, paired.token);
    const { challenge } = ConnectStart.response.parse(start);
    const body = { sessionId: challenge.sessionId, proof: paired.device.prove(challenge) };
    const finish = auth.api.call(ConnectFinish.path, body, facts, paired.token);
    expect(await refusalOf(finish)).toBe("host_restored");

    expect(ended).toContain(`${principal.grant} restored`);
    expect(auth.standing.holds(principal)).toBe(false);
    expect(auth.standing.maySend(alice.id)).toBe(false);
    expect(await refusalOf(enter({ sub: "alice" }))).toBe("host_restored");
    const { task_id: task } = Object(await register());
    expect(await refusalOf(enterAs(String(task)))).toBe("host_restored");
    expect(auth.standing.maySend(alice.id)).toBe(false);
    auth.devices.confirmRestore(hostActor);
    expect(await enter({ sub: "alice" })).toMatchObject({ id: alice.id });
  });
});
