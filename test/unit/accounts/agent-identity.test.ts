import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { deferred } from "../../../src/util/deferred.ts";
import {
  agentPrivateKey,
  identityMembers,
  identityToken,
  readAssertion,
} from "../../helpers/agent-backend.ts";
import { openai, refusal } from "../../helpers/accounts-bench.ts";
import { ANOTHER, CANNOT, KEYS, TASK, account, useIdentityBench } from "./identity-bench.ts";

const on = useIdentityBench();
const { accounts, withToken } = on;

const tokenOf = (account_id: string): Promise<string> => identityToken({ account_id });

describe("an agent identity", () => {
  it("in a JWT is verified and registered, and signs each request", async () => {
    const made = await withToken();
    const headers = await made.headersFor(openai);
    expect(Object.keys(headers)).toEqual(["authorization", "chatgpt-account-id"]);
    expect(headers["chatgpt-account-id"]).toBe("account-1");
    const assertion = readAssertion(headers["authorization"]);
    expect(Object.keys(assertion)).toEqual([
      "agent_runtime_id",
      "signature",
      "task_id",
      "timestamp",
    ]);
    expect(assertion).toMatchObject({ agent_runtime_id: "runtime-1", task_id: "task-1" });
    expect(assertion["timestamp"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(Math.abs(Date.parse(String(assertion["timestamp"])) - Date.now())).toBeLessThan(60_000);
    expect(on.backend.requests).toEqual([KEYS, TASK]);
    expect(await made.account()).toEqual(account);
    expect([made.mode(), made.usesCodexBackend(), made.fault()]).toEqual([
      "agentIdentity",
      true,
      undefined,
    ]);
    expect(on.bench.audit.entries).toEqual([
      {
        act: "identity.load",
        outcome: "done",
        who: { kind: "host", id: "host", name: "this host" },
        address: "",
        about: { source: "CODEX_ACCESS_TOKEN", runtime: "runtime-1" },
      },
    ]);
  });

  it("as members of auth.json is registered without a key set", async () => {
    on.bench.store({
      auth_mode: "agentIdentity",
      agent_identity: { ...identityMembers, chatgpt_account_is_fedramp: true, plan_type: "own" },
    });
    const made = accounts();
    expect(await made.headersFor(openai)).toMatchObject({
      "chatgpt-account-id": "account-1",
      "x-openai-fedramp": "true",
    });
    expect(await made.account()).toEqual({ ...account, planType: "unknown" });
    expect(on.backend.requests).toEqual([TASK]);
  });

  it("with a task of its own needs nobody", async () => {
    on.bench.store({
      auth_mode: "agentIdentity",
      agent_identity: { ...identityMembers, task_id: "task-0" },
    });
    const { authorization } = await accounts().headersFor(openai);
    expect(readAssertion(authorization)).toMatchObject({ task_id: "task-0" });
    expect(on.backend.requests).toEqual([]);
  });

  it("comes from CODEX_ACCESS_TOKEN, else CODEX_AGENT_IDENTITY, else auth.json", async () => {
    on.bench.store({ auth_mode: "agentIdentity", agent_identity: await tokenOf("file") });
    const second = { CODEX_AGENT_IDENTITY: await tokenOf("second") };
    const first = { ...second, CODEX_ACCESS_TOKEN: await tokenOf("first") };
    const ids = [];
    for (const env of [first, second, {}])
      ids.push((await accounts(env).headersFor(openai))["chatgpt-account-id"]);
    expect(ids).toEqual(["first", "second", "file"]);
  });

  it("is registered once, however many need it at the same time", async () => {
    const made = await withToken();
    made.begin();
    const all = await Promise.all([
      made.account(),
      ...Array.from({ length: 20 }, () => made.headersFor(openai)),
    ]);
    expect(all).toHaveLength(21);
    await made.headersFor(openai);
    expect(on.backend.requests).toEqual([KEYS, TASK]);
  });

  it("is loaded from the start, and its user waits", async () => {
    const task = deferred<undefined>();
    on.backend.misbehave({ register: () => ({ body: { taskId: "late" }, after: task.promise }) });
    const made = await withToken();
    made.begin();
    await on.backend.requested(2);
    const headers = made.headersFor(openai);
    task.resolve(undefined);
    expect(readAssertion((await headers)["authorization"])).toMatchObject({ task_id: "late" });
  });

  it("is loaded again when auth.json holds another one, and not when it holds the same", async () => {
    const content = { auth_mode: "agentIdentity", agent_identity: identityMembers };
    on.bench.store(content);
    const made = accounts();
    await made.headersFor(openai);
    on.bench.store(`${JSON.stringify(content)}\n\n`);
    await made.headersFor(openai);
    expect(on.backend.requests).toEqual([TASK]);
    on.bench.store({ ...content, agent_identity: { ...identityMembers, account_id: "account-2" } });
    expect(await made.headersFor(openai)).toMatchObject({ "chatgpt-account-id": "account-2" });
    expect(on.backend.requests).toEqual([TASK, TASK]);
  });

  it("is not sent over an open network", async () => {
    const made = await withToken();
    const provider = { ...openai, id: "far", baseUrl: "http://10.0.0.7/v1" };
    expect(await refusal(made.headersFor(provider))).toBe(
      "Model provider `far` has a base_url without encryption, to which the assertions of an agent identity are not sent. Use an https address, or one on this machine.",
    );
    expect(on.backend.requests).toEqual([]);
  });

  it("is no key for a provider that wants no login, or names a variable of its own", async () => {
    const made = accounts({ CODEX_ACCESS_TOKEN: await identityToken(), MINE: "sk-mine" });
    expect(await made.headersFor({ ...openai, requiresOpenaiAuth: false })).toEqual({});
    expect(await made.headersFor({ ...openai, envKey: "MINE" })).toEqual({
      authorization: "Bearer sk-mine",
    });
    expect(on.backend.requests).toEqual([]);
  });
});

describe("a token that is refused", () => {
  const now = Math.floor(Date.now() / 1000);
  const foreign = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const shared = new TextEncoder().encode("a shared secret of more than 32 bytes");
  const undecoded = "failed to decode agent identity JWT: ";
  const unverified = "failed to verify agent identity JWT: ";

  type Case = readonly [
    claims: Readonly<Record<string, unknown>>,
    signature: NonNullable<Parameters<typeof identityToken>[1]>,
    why: string,
  ];
  it.each<Case>([
    ...[
      "agent_private_key",
      "agent_runtime_id",
      "account_id",
      "chatgpt_user_id",
      "plan_type",
      "chatgpt_account_is_fedramp",
      "iss",
      "aud",
      "iat",
      "exp",
    ].map((name): Case => [
      { [name]: undefined },
      {},
      `${undecoded}the claim ${name} is missing or not valid`,
    ]),
    [
      { agent_runtime_id: "runtime:1" },
      {},
      `${undecoded}the claim agent_runtime_id is missing or not valid`,
    ],
    [
      { account_id: "account\r\nx: 1" },
      {},
      `${undecoded}the claim account_id is missing or not valid`,
    ],
    [{ aud: ["codex-app-server"] }, {}, `${undecoded}the claim aud is missing or not valid`],
    [{}, { kid: null }, "agent identity JWT header does not include a kid"],
    [{}, { alg: "HS256", key: shared }, `${unverified}it is not signed with RS256`],
    [{}, { alg: "PS256" }, `${unverified}it is not signed with RS256`],
  ])("before anybody is asked: %j %j", async (claims, signature, why) => {
    const made = await withToken(claims, signature);
    expect(await refusal(made.headersFor(openai))).toBe(`${CANNOT}${why}. ${ANOTHER}`);
    expect(on.backend.requests).toEqual([]);
  });

  it("that is none, before anybody is asked", async () => {
    const made = accounts({ CODEX_ACCESS_TOKEN: "canary" });
    expect(await refusal(made.headersFor(openai))).toBe(
      `${CANNOT}${undecoded}invalid agent identity JWT format. ${ANOTHER}`,
    );
    expect(on.backend.requests).toEqual([]);
  });

  it.each([
    [{}, { kid: "key-2" }, "agent identity JWT kid key-2 is not trusted"],
    [{}, { key: foreign }, `${unverified}its signature does not fit its key`],
    [
      { iss: "https://chatgpt.com" },
      {},
      `${unverified}its issuer is not https://chatgpt.com/codex-backend/agent-identity`,
    ],
    [{ aud: "codex" }, {}, `${unverified}its audience is not codex-app-server`],
    [
      { exp: now - 90 },
      {},
      `${unverified}it expired at ${new Date((now - 90) * 1000).toISOString()}`,
    ],
    [{ agent_private_key: "AAAA" }, {}, "stored agent identity private key is not valid PKCS#8"],
  ])("by its issuer's keys: %j", async (claims, signature, why) => {
    const made = await withToken(claims, signature);
    expect(await refusal(made.headersFor(openai))).toBe(`${CANNOT}${why}. ${ANOTHER}`);
    expect(on.backend.requests).toEqual([KEYS]);
    expect([await made.account(), made.fault()]).toEqual([null, `${CANNOT}${why}. ${ANOTHER}`]);
    expect(on.backend.requests).toEqual([KEYS]);
  });

  it("is not one that ended half a minute ago, or was issued by a clock that is ahead", async () => {
    const made = await withToken({ exp: now - 30, iat: now + 900 });
    expect(await made.account()).toEqual(account);
  });

  it("is written down without its content", async () => {
    const made = await withToken({ iss: "https://canary.example" });
    made.begin();
    await refusal(made.headersFor(openai));
    expect(on.bench.audit.entries).toEqual([
      {
        act: "identity.load",
        outcome: "failed",
        code: "identity_refused",
        who: { kind: "host", id: "host", name: "this host" },
        address: "",
        about: { source: "CODEX_ACCESS_TOKEN" },
      },
    ]);
    expect(on.bench.log.lines).toHaveLength(1);
    expect(on.bench.written).not.toContain("canary");
  });
});

it("no secret is in any message, log or audit line", async () => {
  const token = await identityToken();
  const members = { ...identityMembers, agent_private_key: `${agentPrivateKey}!` };
  const said: string[] = [];
  on.backend.misbehave({ register: () => ({ status: 400, echo: true }) });
  said.push(await refusal(accounts({ CODEX_AGENT_IDENTITY: token }).headersFor(openai)));
  expect(said.join()).toMatch(/400 Bad Request: \{"timestamp":"[^"]+","signature":"…"\}/);
  on.bench.store({ auth_mode: "agentIdentity", agent_identity: members });
  said.push(await refusal(accounts().headersFor(openai)));
  on.bench.store({ auth_mode: "agentIdentity", agent_identity: token.slice(0, -1) });
  said.push(await refusal(accounts().headersFor(openai)));
  const all = said.join() + on.bench.written;
  for (const secret of [agentPrivateKey, token.split(".")[2] ?? "", "PRIVATE"])
    expect(all).not.toContain(secret);
});
