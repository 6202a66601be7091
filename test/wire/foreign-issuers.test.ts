/** Tokens of other issuers, and agents that sign with their own key, at a real host. */
import { mkdirSync, writeFileSync } from "node:fs";
import { generateKeyPairSync, sign } from "node:crypto";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { RunningHost } from "../../src/cli/host.ts";
import { encodePart, issuerKey, signToken } from "../helpers/foreign-issuer.ts";
import { auditLines } from "../helpers/audit-lines.ts";
import { JwksServer, keysAnswer, statusAnswer, stopJwksServers } from "../helpers/jwks-server.ts";
import { rawExchange, upgradeText } from "../helpers/raw-http.ts";
import { HostClient, startOn, stopHosts, temporaryHomes } from "../helpers/running-host.ts";

afterEach(async () => {
  await stopHosts();
  await stopJwksServers();
});

const key = issuerKey("ES256");
const iss = "https://id.example.com";
const now = (): number => Math.floor(Date.now() / 1000);
const claims = (more: object = {}): object => ({
  iss,
  aud: "farhelm",
  sub: "alice",
  iat: now(),
  exp: now() + 600,
  ...more,
});

/** A host whose farhelm.toml is this text; `KEYS` in it is the key server's address. */
async function hostWith(toml: string, changes: object = {}) {
  const keys = await JwksServer.start(keysAnswer([key.jwk]));
  const homes = temporaryHomes("");
  mkdirSync(homes.farhelmHome, { mode: 0o700 });
  writeFileSync(join(homes.farhelmHome, "farhelm.toml"), toml.replaceAll("KEYS", keys.url));
  return { host: await startOn(homes, changes), keys, homes };
}

const issuerToml = (more: string): string =>
  `[[issuers]]\niss = "${iss}"\naud = "farhelm"\njwks_url = "KEYS"\nalgorithms = ["ES256"]\n${more}\n`;

const socket = (host: RunningHost, authorization: string): WebSocket =>
  new WebSocket(host.url.replace("http", "ws"), { headers: { authorization } });

const connect = (host: RunningHost, token: string): Promise<HostClient> =>
  HostClient.initialized(socket(host, `Bearer ${token}`));

/** Status and body of a refused upgrade. */
async function refused(
  host: RunningHost,
  authorization: string,
  more: Readonly<Record<string, string>> = {},
): Promise<readonly [number, string]> {
  const port = Number(new URL(host.url).port);
  const headers = { Host: `localhost:${port}`, Authorization: authorization, ...more };
  const { status, body } = await rawExchange({ port }, upgradeText("/", headers));
  return [status, body];
}

const invalid = [401, "invalid websocket bearer token"];

describe("a token of another issuer", () => {
  it("lets in who is listed, with the role that is listed, and nobody else", async () => {
    const { host } = await hostWith(
      issuerToml(
        'claims = { account = "org" }\n[issuers.subjects]\nalice = "viewer"\n[issuers.accounts]\nacme = "operator"',
      ),
    );
    const alice = await connect(host, signToken(key, claims()));
    await expect(alice.call("thread/start", {})).rejects.toThrow("needs the role operator");
    const bob = await connect(host, signToken(key, claims({ sub: "bob", org: "acme" })));
    expect(await bob.call("thread/start", {})).toHaveProperty("thread");
    for (const other of [{ sub: "bob" }, { sub: "Alice" }, { sub: "bob", org: ["acme"] }]) {
      const token = signToken(key, claims({ ...other, role: "admin", roles: ["admin"] }));
      expect(await refused(host, `Bearer ${token}`)).toEqual(invalid);
    }
  });

  it("gives a role by a claim only where the config says so", async () => {
    const { host } = await hostWith(
      issuerToml(
        'claims = { roles = ["realm", "roles"] }\n[issuers.subjects]\nalice = "claim"\n[issuers.roles]\nreader = "viewer"\nhelm = "operator"',
      ),
    );
    const both = signToken(key, claims({ realm: { roles: ["reader", "helm", "admin"] } }));
    const client = await connect(host, both);
    expect(await client.call("thread/start", {})).toHaveProperty("thread");
    for (const roles of [[], ["admin"], "x", undefined, { reader: true }, [["reader"]]]) {
      const token = signToken(key, claims({ realm: { roles } }));
      expect([roles, await refused(host, `Bearer ${token}`)]).toEqual([roles, invalid]);
    }
  });

  it("is for this machine unless the config opens it", async () => {
    const subjects = 'subjects = { alice = "viewer" }';
    const token = signToken(key, claims());
    const proxied = { "X-Forwarded-For": "203.0.113.9" };
    const { host } = await hostWith(issuerToml(subjects));
    expect(await refused(host, `Bearer ${token}`, proxied)).toEqual([
      403,
      "Tokens of this issuer are accepted from this machine only.",
    ]);
    const { host: open } = await hostWith(issuerToml(`remote = true\n${subjects}`));
    expect((await refused(open, `Bearer ${token}`, proxied))[0]).toBe(101);
  });

  it("that is bound to a key, or holds a private one, opens nothing", async () => {
    const { host } = await hostWith(issuerToml('subjects = { alice = "viewer" }'));
    const bound = signToken(key, claims({ cnf: { jkt: "x" } }));
    expect(await refused(host, `Bearer ${bound}`)).toEqual([
      401,
      "This token is bound to a key, and of that there is no proof here.",
    ]);
    const secret = signToken(issuerKey("RS256"), claims({ agent_private_key: "MC4CAQ…" }));
    expect(await refused(host, `Bearer ${secret}`)).toEqual([
      401,
      "This token holds a private key (agent_private_key): it is its owner's secret and opens nothing.",
    ]);
  });

  it("cannot be judged while its issuer's keys cannot be had: 503, and later it can", async () => {
    const { host, keys } = await hostWith(
      issuerToml('refresh_seconds = 1\nmax_stale_seconds = 0\nsubjects = { alice = "viewer" }'),
    );
    const bearer = `Bearer ${signToken(key, claims())}`;
    expect((await refused(host, bearer))[0]).toBe(101);
    keys.answer = statusAnswer(500);
    await expect
      .poll(() => refused(host, bearer), { timeout: 20_000, interval: 500 })
      .toEqual([503, "The keys of the token's issuer cannot be had now."]);
    keys.answer = keysAnswer([key.jwk]);
    await expect
      .poll(async () => (await refused(host, bearer))[0], { timeout: 20_000, interval: 500 })
      .toBe(101);
  }, 60_000);
});

describe("a connection by such a token", () => {
  it("ends with 4002 when the token expires, and another of the same subject stays", async () => {
    const { host } = await hostWith(issuerToml('subjects = { alice = "viewer" }'));
    const short = await connect(host, signToken(key, claims({ exp: now() + 2 })));
    const long = await connect(host, signToken(key, claims()));
    expect(await short.closed).toBe(4002);
    expect(await long.call("thread/list", {})).toHaveProperty("data");
  }, 30_000);

  it("ends with 4002 when its key is removed, within the time that is set", async () => {
    const { host, keys } = await hostWith(
      issuerToml('refresh_seconds = 1\nsubjects = { alice = "viewer" }'),
    );
    const client = await connect(host, signToken(key, claims()));
    const removedAtMs = Date.now();
    keys.answer = keysAnswer([issuerKey("ES256").jwk]);
    expect(await client.closed).toBe(4002);
    expect(Date.now() - removedAtMs).toBeLessThan(20_000);
  }, 60_000);
});

describe("somebody of another issuer who is revoked on the host", () => {
  it("is out within a second, by id and by account, and comes in again when restored", async () => {
    const { host, homes } = await hostWith(
      issuerToml(
        'claims = { account = "org" }\n[issuers.subjects]\nalice = "operator"\n[issuers.accounts]\nacme = "operator"',
      ),
    );
    const admin = await HostClient.connect(homes);
    const token = signToken(key, claims({ sub: "bob", org: "acme" }));
    const names = [{ id: `${iss}|bob` }, { account: "acme" }];
    for (const name of names) {
      const clients = [await connect(host, token), await connect(host, token)];
      const alice = await connect(host, signToken(key, claims()));
      const startedMs = performance.now();
      const [answer, ...codes] = await Promise.all([
        admin.call("farhelm/devices/revoke", name),
        ...clients.map(({ closed }) => closed),
      ]);
      expect(performance.now() - startedMs).toBeLessThan(1_000);
      expect({ answer, codes }).toEqual({
        answer: { revoked: true, was: "live", ids: [`${iss}|bob`] },
        codes: [4001, 4001],
      });
      expect(await refused(host, `Bearer ${token}`)).toEqual(invalid);
      const later = signToken(key, claims({ sub: "bob", org: "acme", jti: "later" }));
      expect(await refused(host, `Bearer ${later}`)).toEqual(invalid);
      expect(await alice.call("thread/list", {})).toHaveProperty("data");
      const { revoked } = await admin.call("farhelm/devices/list");
      expect(revoked).toEqual([
        {
          kind: "id" in name ? "subject" : "account",
          id: name.id ?? name.account,
          revokedAtMs: expect.any(Number),
        },
      ]);
      expect(await admin.call("farhelm/devices/restore", name)).toEqual({ restored: true });
      expect(await admin.call("farhelm/devices/restore", name)).toEqual({ restored: false });
    }
    expect(await (await connect(host, token)).call("thread/start", {})).toHaveProperty("thread");
    const refusals = (): readonly object[] =>
      auditLines(homes.farhelmHome).filter(({ code }) => code === "foreign_revoked");
    const line = {
      act: "upgrade.refused",
      who: { kind: "foreign", id: `${iss}|bob`, name: "bob" },
    };
    await expect.poll(refusals).toMatchObject([line, line, line, line]);
  }, 30_000);

  it("loses what it put into a queue, and lets nobody in again itself", async () => {
    const { host, homes } = await hostWith(
      issuerToml('[issuers.subjects]\nalice = "admin"\nbob = "operator"'),
    );
    const admin = await HostClient.connect(homes);
    const threadId = await admin.startThread();
    const bob = await connect(host, signToken(key, claims({ sub: "bob" })));
    const text = { type: "text", text: "later" };
    const queued = { threadId, input: [text], clientUserMessageId: "one" };
    await bob.call("thread/queue/add", queued);
    const waiting = async (): Promise<unknown> =>
      (await admin.call("thread/queue/list", { threadId }))["data"];
    expect(await waiting()).toHaveLength(1);
    await admin.call("farhelm/devices/revoke", { id: `${iss}|bob` });
    expect(await bob.closed).toBe(4001);
    expect(await waiting()).toEqual([]);
    const alice = await connect(host, signToken(key, claims()));
    await expect(alice.call("farhelm/devices/restore", { id: `${iss}|bob` })).rejects.toThrow(
      "only an admin of this host",
    );
  }, 30_000);
});

const at = (ms = 0): string => new Date(Date.now() + ms).toISOString().replace(/\.\d+Z$/, "Z");

async function register(host: RunningHost, body: object, runtimeId = "runtime-1") {
  const answer = await fetch(`${host.url}/v1/agent/${runtimeId}/task/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const read: unknown = await answer.json();
  return { status: answer.status, body: read };
}

const refusal = (code: string) => ({ error: expect.objectContaining({ code }) });

describe("an agent runtime", () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const spki = publicKey.export({ type: "spki", format: "der" }).toString("base64");
  const agentToml = `[[agents]]\nid = "runtime-1"\npublic_key = "${spki}"\naccount = "acct-1"\nrole = "operator"\n`;
  const signed = (...parts: readonly string[]): string =>
    sign(null, Buffer.from(parts.join(":")), privateKey).toString("base64");

  async function taskOf(host: RunningHost): Promise<string> {
    const timestamp = at();
    const { body } = await register(host, { timestamp, signature: signed("runtime-1", timestamp) });
    if (typeof body !== "object" || body === null || !("task_id" in body)) throw new Error("none");
    return String(body.task_id);
  }

  const assertion = (task: string, more: object = {}, timestamp = at()): string =>
    `AgentAssertion ${encodePart({
      agent_runtime_id: "runtime-1",
      signature: signed("runtime-1", task, timestamp),
      task_id: task,
      timestamp,
      ...more,
    })}`;

  it("registers a task, gets the same one for a repeat, and comes in with its assertion", async () => {
    const { host } = await hostWith(agentToml);
    const timestamp = at();
    const body = { timestamp, signature: signed("runtime-1", timestamp) };
    const answers = [await register(host, body), await register(host, body)];
    expect(answers[0]).toEqual({ status: 200, body: { task_id: expect.stringMatching(/^task_/) } });
    expect(answers[1]).toEqual(answers[0]);
    const client = await HostClient.initialized(socket(host, assertion(await taskOf(host))));
    expect(await client.call("thread/start", {})).toHaveProperty("thread");
  });

  it("is refused for whatever does not hold, with one text for id, key and signature", async () => {
    const { host } = await hostWith(agentToml);
    const task = await taskOf(host);
    const unsure = [401, "invalid agent assertion"];
    const odd = at().replace("Z", "+00:00");
    const oddSignature = signed("runtime-1", task, odd);
    expect({
      runtime: await refused(host, assertion(task, { agent_runtime_id: "runtime-2" })),
      colon: await refused(host, assertion(task, { agent_runtime_id: "runtime-1:x" })),
      signature: await refused(host, assertion(task, { signature: signed("x") })),
      extra: await refused(host, assertion(task, { more: 1 })),
      number: await refused(host, assertion(task, { timestamp: 1 })),
      padding: await refused(host, `${assertion(task)}=`),
      text: await refused(host, "AgentAssertion {}"),
      time: await refused(host, assertion(task, { timestamp: odd, signature: oddSignature })),
    }).toEqual({
      runtime: unsure,
      colon: unsure,
      signature: unsure,
      extra: unsure,
      number: unsure,
      padding: unsure,
      text: unsure,
      time: unsure,
    });
    const late = "The assertion's time is more than five minutes from the host's.";
    expect(await refused(host, assertion(task, {}, at(-302_000)))).toEqual([401, late]);
    expect(await refused(host, assertion(task, {}, at(302_000)))).toEqual([401, late]);
    expect(await refused(host, assertion("task_unknown"))).toEqual([
      401,
      "This host did not give that task to this runtime, or it has ended.",
    ]);
    expect(await refused(host, assertion(task), { "ChatGPT-Account-ID": "acct-2" })).toEqual([
      401,
      "The account in chatgpt-account-id is not the runtime's.",
    ]);
    expect(await refused(host, assertion(task), { Forwarded: "for=127.0.0.1" })).toEqual([
      403,
      "An agent assertion is taken over TLS of this host, or from this machine, and not through a proxy.",
    ]);
    expect((await refused(host, assertion(task), { "ChatGPT-Account-ID": "acct-1" }))[0]).toBe(101);
  });

  it("registers only what it signed, for itself, now", async () => {
    const { host } = await hostWith(agentToml);
    const timestamp = at();
    const signature = signed("runtime-1", timestamp);
    const old = at(-302_000);
    const codeOf = async (answer: ReturnType<typeof register>): Promise<unknown> =>
      (await answer).body;
    expect([
      await codeOf(register(host, { timestamp, signature }, "runtime-2")),
      await codeOf(register(host, { timestamp, signature }, "runtime-1%3Ax")),
      await codeOf(register(host, { timestamp: at(1000), signature })),
      await codeOf(register(host, { timestamp: old, signature: signed("runtime-1", old) })),
      await codeOf(register(host, { timestamp })),
    ]).toEqual([
      refusal("assertion_invalid"),
      refusal("assertion_invalid"),
      refusal("assertion_invalid"),
      refusal("assertion_expired"),
      refusal("invalid_body"),
    ]);
  });

  it("has its tasks in one host's life only", async () => {
    const { host } = await hostWith(agentToml);
    const task = await taskOf(host);
    const { host: other } = await hostWith(agentToml);
    expect((await refused(other, assertion(task)))[1]).toContain("did not give that task");
  });
});
