import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deferred } from "../../../src/util/deferred.ts";
import type { AgentBackend, BackendAnswer } from "../../helpers/agent-backend.ts";
import {
  agentPrivateKey,
  identityMembers,
  identityToken,
  issuerJwk,
  readAssertion,
  startAgentBackend,
} from "../../helpers/agent-backend.ts";
import { AccountsBench, openai, refusal } from "../../helpers/accounts-bench.ts";

let bench: AccountsBench;
let backend: AgentBackend;

beforeEach(async () => {
  bench = new AccountsBench();
  backend = await startAgentBackend();
});

afterEach(async () => {
  bench.close();
  await backend.close();
});

const KEYS = "GET /backend-api/wham/agent-identities/jwks";
const TASK = "POST /authapi/v1/agent/runtime-1/task/register";
const account = {
  type: "chatgpt",
  email: "ada@example.com",
  planType: "pro",
  userId: "user-1",
};

const accounts = (env: Readonly<Record<string, string>> = {}) =>
  bench.accounts({ ...backend.env, ...env }, backend.baseUrl);
const withToken = async (...token: Parameters<typeof identityToken>) =>
  accounts({ CODEX_ACCESS_TOKEN: await identityToken(...token) });

const tokenOf = (account_id: string): Promise<string> => identityToken({ account_id });

/** What is said when the key set is answered so. */
async function withKeys(answer: BackendAnswer): Promise<string> {
  backend.misbehave({ jwks: answer });
  const made = await withToken();
  const said = await refusal(made.headersFor(openai));
  return said.replaceAll(backend.baseUrl, "BASE");
}

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
    expect(backend.requests).toEqual([KEYS, TASK]);
    expect(await made.account()).toEqual(account);
    expect([made.mode(), made.usesCodexBackend(), made.fault()]).toEqual([
      "agentIdentity",
      true,
      undefined,
    ]);
    expect(bench.audit.entries).toEqual([
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
    bench.store({
      auth_mode: "agentIdentity",
      agent_identity: { ...identityMembers, chatgpt_account_is_fedramp: true, plan_type: "own" },
    });
    const made = accounts();
    expect(await made.headersFor(openai)).toMatchObject({
      "chatgpt-account-id": "account-1",
      "x-openai-fedramp": "true",
    });
    expect(await made.account()).toEqual({ ...account, planType: "unknown" });
    expect(backend.requests).toEqual([TASK]);
  });

  it("with a task of its own needs nobody", async () => {
    bench.store({
      auth_mode: "agentIdentity",
      agent_identity: { ...identityMembers, task_id: "task-0" },
    });
    const { authorization } = await accounts().headersFor(openai);
    expect(readAssertion(authorization)).toMatchObject({ task_id: "task-0" });
    expect(backend.requests).toEqual([]);
  });

  it("comes from CODEX_ACCESS_TOKEN, else CODEX_AGENT_IDENTITY, else auth.json", async () => {
    bench.store({ auth_mode: "agentIdentity", agent_identity: await tokenOf("file") });
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
    expect(backend.requests).toEqual([KEYS, TASK]);
  });

  it("is loaded from the start, and its user waits", async () => {
    const task = deferred<undefined>();
    backend.misbehave({ register: () => ({ body: { taskId: "late" }, after: task.promise }) });
    const made = await withToken();
    made.begin();
    await backend.requested(2);
    const headers = made.headersFor(openai);
    task.resolve(undefined);
    expect(readAssertion((await headers)["authorization"])).toMatchObject({ task_id: "late" });
  });

  it("is loaded again when auth.json holds another one, and not when it holds the same", async () => {
    const content = { auth_mode: "agentIdentity", agent_identity: identityMembers };
    bench.store(content);
    const made = accounts();
    await made.headersFor(openai);
    bench.store(`${JSON.stringify(content)}\n\n`);
    await made.headersFor(openai);
    expect(backend.requests).toEqual([TASK]);
    bench.store({ ...content, agent_identity: { ...identityMembers, account_id: "account-2" } });
    expect(await made.headersFor(openai)).toMatchObject({ "chatgpt-account-id": "account-2" });
    expect(backend.requests).toEqual([TASK, TASK]);
  });

  it("is not sent over an open network", async () => {
    const made = await withToken();
    const provider = { ...openai, id: "far", baseUrl: "http://10.0.0.7/v1" };
    expect(await refusal(made.headersFor(provider))).toBe(
      "Model provider `far` has a base_url without encryption, to which the assertions of an agent identity are not sent. Use an https address, or one on this machine.",
    );
    expect(backend.requests).toEqual([]);
  });

  it("is no key for a provider that wants no login, or names a variable of its own", async () => {
    const made = accounts({ CODEX_ACCESS_TOKEN: await identityToken(), MINE: "sk-mine" });
    expect(await made.headersFor({ ...openai, requiresOpenaiAuth: false })).toEqual({});
    expect(await made.headersFor({ ...openai, envKey: "MINE" })).toEqual({
      authorization: "Bearer sk-mine",
    });
    expect(backend.requests).toEqual([]);
  });
});

const CANNOT = "The agent identity in CODEX_ACCESS_TOKEN cannot be used: ";
const ANOTHER = "Get a new one from whoever issued it.";

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
    expect(backend.requests).toEqual([]);
  });

  it("that is none, before anybody is asked", async () => {
    const made = accounts({ CODEX_ACCESS_TOKEN: "canary" });
    expect(await refusal(made.headersFor(openai))).toBe(
      `${CANNOT}${undecoded}invalid agent identity JWT format. ${ANOTHER}`,
    );
    expect(backend.requests).toEqual([]);
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
    expect(backend.requests).toEqual([KEYS]);
    expect([await made.account(), made.fault()]).toEqual([null, `${CANNOT}${why}. ${ANOTHER}`]);
    expect(backend.requests).toEqual([KEYS]);
  });

  it("is not one that ended half a minute ago, or was issued by a clock that is ahead", async () => {
    const made = await withToken({ exp: now - 30, iat: now + 900 });
    expect(await made.account()).toEqual(account);
  });

  it("is written down without its content", async () => {
    const made = await withToken({ iss: "https://canary.example" });
    made.begin();
    await refusal(made.headersFor(openai));
    expect(bench.audit.entries).toEqual([
      {
        act: "identity.load",
        outcome: "failed",
        code: "identity_refused",
        who: { kind: "host", id: "host", name: "this host" },
        address: "",
        about: { source: "CODEX_ACCESS_TOKEN" },
      },
    ]);
    expect(bench.log.lines).toHaveLength(1);
    expect(bench.written).not.toContain("canary");
  });
});

describe("services that fail", () => {
  const KEYS_AGAIN =
    "Check chatgpt_base_url in config.toml and the way to it; the next turn tries again.";

  it.each([
    [{ status: 503 }, "the server answered with status 503"],
    [
      { status: 302, headers: { location: "/elsewhere/agent-identities/jwks" } },
      "the server answered with status 302",
    ],
    [{ body: "{" }, "it is no JSON Web Key Set"],
    [{ body: { keys: "none" } }, "it is no JSON Web Key Set"],
    [{ body: `{"keys":[${" ".repeat(300_000)}]}` }, "it is larger than 262144 bytes"],
  ])("a key set that is none: %j", async (answer, why) => {
    expect(await withKeys(answer)).toBe(
      `${CANNOT}failed to request agent identity JWKS from BASE/wham/agent-identities/jwks: ${why}. ${KEYS_AGAIN}`,
    );
    expect(backend.requests).toEqual([KEYS]);
  });

  it("a key that is too weak, or stands there twice, is no key", async () => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
    const weak = { ...publicKey.export({ format: "jwk" }), kid: "key-1" };
    for (const keys of [[weak], [issuerJwk, issuerJwk]])
      expect(await withKeys({ body: { keys } })).toBe(
        `${CANNOT}agent identity JWT kid key-1 is not trusted. ${ANOTHER}`,
      );
  });

  it("nobody there", async () => {
    const made = await withToken();
    await backend.close();
    expect(await refusal(made.headersFor(openai))).toContain(
      `failed to request agent identity JWKS from ${backend.baseUrl}/wham/agent-identities/jwks: the server could not be asked (ECONNREFUSED)`,
    );
    backend = await startAgentBackend();
  });

  it("a registration that is refused is not repeated", async () => {
    backend.misbehave({
      register: () => ({ status: 400, body: " unknown\u001b[31m\n\truntime\u202e " }),
    });
    const made = await withToken();
    expect(await refusal(made.headersFor(openai))).toBe(
      `${CANNOT}agent task registration failed with status 400 Bad Request: unknown [31m runtime. Check that this agent runtime is still registered, or get a new agent identity.`,
    );
    expect(backend.requests).toEqual([KEYS, TASK]);
  });

  it.each([503, 429])("a registration that answers %i is tried three times", async (status) => {
    backend.misbehave({ register: () => ({ status, body: "later" }) });
    const made = await withToken();
    expect(await refusal(made.headersFor(openai))).toMatch(
      /agent task registration failed with status \d+ [\w ]+: later\. The next turn tries again\.$/,
    );
    expect(backend.requests).toEqual([KEYS, TASK, TASK, TASK]);
  });

  it("a registration that fails twice and then does not", async () => {
    backend.misbehave({ register: (attempt) => (attempt < 3 ? { status: 500 } : undefined) });
    const made = await withToken();
    expect(readAssertion((await made.headersFor(openai))["authorization"])).toMatchObject({
      task_id: "task-3",
    });
  });

  it("the next request tries again, and all that come with it share the try", async () => {
    backend.misbehave({ register: () => ({ status: 400 }) });
    const made = await withToken();
    made.begin();
    const failed = await Promise.allSettled([1, 2, 3].map(() => made.headersFor(openai)));
    expect(failed.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(await made.account()).toBeNull();
    expect(backend.requests).toEqual([KEYS, TASK]);
    backend.misbehave({});
    await Promise.all([1, 2, 3].map(() => made.headersFor(openai)));
    expect(backend.requests).toEqual([KEYS, TASK, KEYS, TASK]);
    expect([await made.account(), made.fault()]).toEqual([account, undefined]);
  });

  const ANSWER =
    "Check CODEX_AGENT_IDENTITY_AUTHAPI_BASE_URL, if it is set; whoever runs that service has to correct its answer.";
  it.each([
    ["no JSON", "failed to decode agent task registration response"],
    [{}, "agent task registration response omitted task id"],
    [{ task_id: "a:b" }, "agent task registration response holds an unfit task id"],
    [
      { encrypted_task_id: "AAAA" },
      "agent task registration response holds an encrypted task id, which this version of Farhelm cannot open",
    ],
  ])("a registration that answers %j", async (body, why) => {
    backend.misbehave({ register: () => ({ body }) });
    const made = await withToken();
    expect(await refusal(made.headersFor(openai))).toBe(`${CANNOT}${why}. ${ANSWER}`);
  });

  it("the host stops while one is under way", async () => {
    backend.misbehave({ jwks: { after: deferred().promise } });
    const made = await withToken();
    const waiting = refusal(made.headersFor(openai));
    await backend.requested(1);
    made.close();
    expect(await waiting).toBe(`${CANNOT}The host is stopping. Start it again.`);
    expect(bench.audit.entries).toEqual([]);
  });
});

it("no secret is in any message, log or audit line", async () => {
  const token = await identityToken();
  const members = { ...identityMembers, agent_private_key: `${agentPrivateKey}!` };
  const said: string[] = [];
  backend.misbehave({ register: () => ({ status: 400, echo: true }) });
  said.push(await refusal(accounts({ CODEX_AGENT_IDENTITY: token }).headersFor(openai)));
  expect(said.join()).toMatch(/400 Bad Request: \{"timestamp":"[^"]+","signature":"…"\}/);
  bench.store({ auth_mode: "agentIdentity", agent_identity: members });
  said.push(await refusal(accounts().headersFor(openai)));
  bench.store({ auth_mode: "agentIdentity", agent_identity: token.slice(0, -1) });
  said.push(await refusal(accounts().headersFor(openai)));
  const all = said.join() + bench.written;
  for (const secret of [agentPrivateKey, token.split(".")[2] ?? "", "PRIVATE"])
    expect(all).not.toContain(secret);
});
