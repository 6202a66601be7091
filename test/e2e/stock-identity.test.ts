import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AgentBackend } from "../helpers/agent-backend.ts";
import {
  identityMembers,
  identityToken,
  readAssertion,
  startAgentBackend,
} from "../helpers/agent-backend.ts";
import type { MockModel } from "../helpers/mock-model.ts";
import { say, startMockModel } from "../helpers/mock-model.ts";
import { stockBinary } from "../helpers/stock-binary.ts";
import type { Served, StockHome } from "../helpers/stock-servers.ts";
import { serveOurs, serveStock } from "../helpers/stock-servers.ts";
import { AccountsBench, openai, refusal } from "../helpers/accounts-bench.ts";

const binary = stockBinary("0.169.0");
const needsStock = "(needs the stock program)";

let backend: AgentBackend;
let model: MockModel;
let root: string;

beforeEach(async () => {
  backend = await startAgentBackend();
  model = await startMockModel();
  root = mkdtempSync(join(tmpdir(), "farhelm-identity-"));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await model.close();
  await backend.close();
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
});

interface Login {
  readonly auth?: unknown;
  readonly env?: Readonly<Record<string, string>>;
  /** Of the provider. */
  readonly lines?: string;
}

/** Homes for one program, with this login. */
function place(name: string, { auth, env = {}, lines = "" }: Login): StockHome {
  const home = join(root, name);
  const cwd = join(home, "work");
  for (const folder of [join(home, ".codex"), cwd]) mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(home, ".codex/config.toml"),
    `model = "mock-model"
model_provider = "mock"
chatgpt_base_url = "${backend.baseUrl}"
cli_auth_credentials_store = "file"
[model_providers.mock]
name = "Mock"
base_url = "${model.baseUrl}"
wire_api = "responses"
${lines}
`,
  );
  if (auth !== undefined) writeFileSync(join(home, ".codex/auth.json"), JSON.stringify(auth));
  return { home, cwd, env: { ...backend.env, ...env } };
}

const inForm = (authorization: unknown): unknown =>
  typeof authorization === "string" && authorization.startsWith("AgentAssertion ")
    ? Object.keys(readAssertion(authorization))
    : authorization;

/** What a turn's request to the model says of the login, and what `account/read` answers. */
async function seenOf(served: Served) {
  try {
    const account = await served.peer
      .request("account/read", {})
      .catch((error: unknown) => String(error));
    model.enqueue(say("ok"));
    const before = model.requests.length;
    const { thread } = await served.peer.request<{ thread: { id: string } }>("thread/start", {});
    await served.peer.turn(thread.id, "hi");
    const request = model.requests.slice(before).find(({ method }) => method === "POST");
    const { authorization, "chatgpt-account-id": id, ...others } = request?.headers ?? {};
    const fedramp = others["x-openai-fedramp"];
    return { account, headers: { authorization: inForm(authorization), id, fedramp } };
  } finally {
    await served.stop();
  }
}

async function both(login: Login) {
  const theirs = await seenOf(await serveStock(binary ?? "", place("stock", login)));
  const home = place("ours", login);
  for (const [name, value] of Object.entries(home.env ?? {})) vi.stubEnv(name, value);
  return { theirs, ours: await seenOf(await serveOurs(home)) };
}

const ofFile = (members: object): Login => ({
  auth: { auth_mode: "agentIdentity", OPENAI_API_KEY: null, agent_identity: members },
  lines: "requires_openai_auth = true",
});

describe.skipIf(binary === undefined)(`both programs log in alike ${needsStock}`, () => {
  test("with a JWT in the environment", { timeout: 120_000 }, async () => {
    const env = { CODEX_ACCESS_TOKEN: await identityToken() };
    const { theirs, ours } = await both({ env, lines: "requires_openai_auth = true" });
    expect(ours).toEqual(theirs);
    expect(ours.headers).toEqual({
      authorization: ["agent_runtime_id", "signature", "task_id", "timestamp"],
      id: "account-1",
      fedramp: undefined,
    });
  });

  test("with members in auth.json, of a plan that nobody knows", { timeout: 120_000 }, async () => {
    const members = { ...identityMembers, plan_type: "own", email: null };
    const { theirs, ours } = await both(
      ofFile({ ...members, chatgpt_account_is_fedramp: true, task_id: "task-0" }),
    );
    expect(ours).toEqual(theirs);
    expect(ours).toMatchObject({
      account: { account: { email: null, planType: "unknown" } },
      headers: { fedramp: "true" },
    });
  });

  test("at a provider with a key of its own", { timeout: 120_000 }, async () => {
    const env = { CODEX_ACCESS_TOKEN: await identityToken(), MINE: "sk-mine" };
    const { theirs, ours } = await both({ env, lines: 'env_key = "MINE"' });
    expect(ours).toEqual(theirs);
    expect(ours.headers.authorization).toBe("Bearer sk-mine");
  });

  test("with an API key that the provider does not want", { timeout: 120_000 }, async () => {
    const { theirs, ours } = await both({
      auth: { auth_mode: "apikey", OPENAI_API_KEY: "sk-file" },
    });
    expect(ours).toEqual(theirs);
    expect(ours).toMatchObject({ account: { account: null }, headers: { id: undefined } });
  });

  test("with ChatGPT tokens", { timeout: 120_000 }, async () => {
    const token = await new SignJWT({
      email: "ada@example.com",
      exp: Math.floor(Date.now() / 1000) + 3600,
      "https://api.openai.com/auth": {
        chatgpt_plan_type: "plus",
        chatgpt_user_id: "user-9",
        chatgpt_account_id: "account-9",
      },
    })
      .setProtectedHeader({ alg: "HS256" })
      .sign(new TextEncoder().encode("a key that nobody asks about, 32 bytes"));
    const tokens = {
      id_token: token,
      access_token: token,
      refresh_token: "r",
      account_id: "account-9",
    };
    const last_refresh = new Date().toISOString();
    const auth = { auth_mode: "chatgpt", OPENAI_API_KEY: null, tokens, last_refresh };
    const { theirs, ours } = await both({ auth, lines: "requires_openai_auth = true" });
    expect(ours.headers).toEqual(theirs.headers);
    expect(ours.headers).toEqual({
      authorization: `Bearer ${token}`,
      id: "account-9",
      fedramp: undefined,
    });
  });
});

/** What `codex login status` says of a token. */
const loginStatus = (token: string): Promise<string> => {
  const { home, env } = place("status", { env: { CODEX_ACCESS_TOKEN: token } });
  const all = { PATH: process.env["PATH"], HOME: home, CODEX_HOME: join(home, ".codex"), ...env };
  return new Promise((resolve) => {
    execFile(binary ?? "", ["login", "status"], { env: all }, (_error, out, err) =>
      resolve(out + err),
    );
  });
};

describe.skipIf(binary === undefined)(`both programs refuse alike ${needsStock}`, () => {
  const now = Math.floor(Date.now() / 1000);
  type Token = Parameters<typeof identityToken>;
  type Wrong = Parameters<AgentBackend["misbehave"]>[0];

  test.each<[string, Token, Wrong]>([
    ["failed to decode agent identity JWT: ", [{ agent_private_key: undefined }], {}],
    ["failed to decode agent identity JWT: ", [{ iat: undefined }], {}],
    ["failed to decode agent identity JWT: ", [{ aud: ["codex-app-server"] }], {}],
    ["agent identity JWT header does not include a kid", [{}, { kid: null }], {}],
    ["agent identity JWT kid key-2 is not trusted", [{}, { kid: "key-2" }], {}],
    ["failed to verify agent identity JWT", [{ iss: "https://example.com" }], {}],
    ["failed to verify agent identity JWT", [{ aud: "codex" }], {}],
    ["failed to verify agent identity JWT", [{ exp: now - 90 }], {}],
    ["stored agent identity private key is not valid base64", [{ agent_private_key: "*" }], {}],
    ["stored agent identity private key is not valid PKCS#8", [{ agent_private_key: "AAAA" }], {}],
    [
      "agent task registration failed with status 400 Bad Request: no such agent",
      [],
      { register: () => ({ status: 400, body: "no such agent" }) },
    ],
    [
      "agent task registration failed with status 503 Service Unavailable: later",
      [],
      { register: () => ({ status: 503, body: "later" }) },
    ],
    ["agent task registration response omitted task id", [], { register: () => ({ body: {} }) }],
  ])("%s %j", { timeout: 60_000 }, async (said, token, wrong) => {
    backend.misbehave(wrong);
    const jwt = await identityToken(...token);
    expect(await loginStatus(jwt)).toContain(said);
    const asked = backend.requests.length;
    const bench = new AccountsBench();
    const env = { ...backend.env, CODEX_ACCESS_TOKEN: jwt };
    expect(await refusal(bench.accounts(env, backend.baseUrl).headersFor(openai))).toContain(said);
    bench.close();
    // Nor does it ask more of the services.
    expect(backend.requests.length - asked).toBeLessThanOrEqual(asked);
  });

  test("and accept alike: a token of half a minute ago", { timeout: 60_000 }, async () => {
    const jwt = await identityToken({ exp: now - 30, iat: now + 900 });
    expect(await loginStatus(jwt)).toContain("Logged in using access token");
    const bench = new AccountsBench();
    const env = { ...backend.env, CODEX_ACCESS_TOKEN: jwt };
    expect(await bench.accounts(env, backend.baseUrl).account()).not.toBeNull();
    bench.close();
  });
});
