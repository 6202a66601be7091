import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import { deferred } from "../../src/util/deferred.ts";
import { AccountsBench, openai } from "../helpers/accounts-bench.ts";
import type { AgentBackend } from "../helpers/agent-backend.ts";
import {
  agentPrivateKey,
  agentPublicKey,
  identityMembers,
  identityToken,
  readAssertion,
  startAgentBackend,
} from "../helpers/agent-backend.ts";
import { auditLines } from "../helpers/audit-lines.ts";
import type { MockModel } from "../helpers/mock-model.ts";
import { say, startMockModel } from "../helpers/mock-model.ts";
import type { Homes } from "../helpers/running-host.ts";
import {
  HostClient,
  configFor,
  startOn,
  stop,
  stopHosts,
  temporaryHomes,
} from "../helpers/running-host.ts";

let backend: AgentBackend;
let model: MockModel;

beforeEach(async () => {
  backend = await startAgentBackend();
  model = await startMockModel();
  for (const [name, value] of Object.entries(backend.env)) vi.stubEnv(name, value);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await stopHosts();
  await model.close();
  await backend.close();
});

/** Homes in which auth.json holds the token, and the model wants the login. */
function homesWith(token: string): Homes {
  const top = `chatgpt_base_url = "${backend.baseUrl}"\n`;
  const homes = temporaryHomes(`${configFor(model.baseUrl, top)}requires_openai_auth = true\n`);
  const content = { auth_mode: "agentIdentity", OPENAI_API_KEY: null, agent_identity: token };
  writeFileSync(join(homes.codexHome, "auth.json"), JSON.stringify(content));
  return homes;
}

async function turn(client: HostClient) {
  const id = await client.startTurn(await client.startThread(), "hi");
  return Object((await client.turnEnded(id)).params?.["turn"]);
}

/** The text of every file of both homes but auth.json. */
const filesOf = ({ root }: Homes): string =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== "auth.json")
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"))
    .join("\n");

const identityLines = ({ farhelmHome }: Homes) =>
  auditLines(farhelmHome)
    .filter(({ act }) => act === "identity.load")
    .map(({ outcome, code, about }) => ({ outcome, code, about }));

it("an agent identity opens the door of a host that knows its runtime", async () => {
  const homes = temporaryHomes(configFor(model.baseUrl));
  mkdirSync(homes.farhelmHome);
  writeFileSync(
    join(homes.farhelmHome, "farhelm.toml"),
    `[[agents]]
id = "runtime-1"
public_key = "${agentPublicKey}"
account = "account-1"
role = "operator"
`,
  );
  const host = await startOn(homes);
  const bench = new AccountsBench();
  bench.store({ auth_mode: "agentIdentity", agent_identity: identityMembers });
  const env = {
    CODEX_AGENT_IDENTITY_JWKS_BASE_URL: host.url,
    CODEX_AGENT_IDENTITY_AUTHAPI_BASE_URL: host.url,
  };
  const accounts = bench.accounts(env, host.url);
  const headers = await accounts.headersFor({ ...openai, baseUrl: host.url });
  bench.close();
  const socket = new WebSocket(host.url.replace("http", "ws"), { headers });
  await once(socket, "open");
  const closed = once(socket, "close");
  socket.terminate();
  await closed;
  await stop(host);
  const opened = auditLines(homes.farhelmHome).find(({ act }) => act === "session.open");
  expect(opened).toMatchObject({ outcome: "done", who: { name: "runtime-1" } });
});

describe("a host with an agent identity", () => {
  it("asks the model with an assertion of its own for each request", async () => {
    const token = await identityToken();
    const homes = homesWith(token);
    const host = await startOn(homes);
    const client = await HostClient.connect(homes);
    expect(await client.call("account/read")).toEqual({
      account: {
        type: "chatgpt",
        email: "ada@example.com",
        planType: "pro",
        workspaceName: null,
      },
      userId: "user-1",
      requiresOpenaiAuth: true,
      workspaceRouting: null,
    });
    model.enqueue(say("one"), say("two"));
    expect(await turn(client)).toMatchObject({ status: "completed" });
    expect(await turn(client)).toMatchObject({ status: "completed" });
    const heads = model.requests.map(({ headers }) => headers);
    expect(heads.map((head) => head["chatgpt-account-id"])).toEqual(["account-1", "account-1"]);
    for (const { authorization } of heads)
      expect(readAssertion(authorization)).toMatchObject({
        agent_runtime_id: "runtime-1",
        task_id: "task-1",
      });
    expect(backend.requests).toHaveLength(2);
    await stop(host);
    expect(identityLines(homes)).toEqual([
      {
        outcome: "done",
        code: undefined,
        about: { source: join(homes.codexHome, "auth.json"), runtime: "runtime-1" },
      },
    ]);
    const written = filesOf(homes) + JSON.stringify(client.sent);
    expect(written).toContain("runtime-1");
    for (const secret of [agentPrivateKey, token, "task-1", "AgentAssertion"])
      expect(written).not.toContain(secret);
  });

  it("starts without waiting for it; a turn waits, and can be stopped while it does", async () => {
    const keys = deferred<undefined>();
    backend.misbehave({ jwks: { after: keys.promise } });
    const homes = homesWith(await identityToken());
    await startOn(homes);
    await backend.requested(1);
    const client = await HostClient.connect(homes);
    const threadId = await client.startThread();
    const turnId = await client.startTurn(threadId, "hi");
    await client.call("turn/interrupt", { threadId, turnId });
    expect(Object((await client.turnEnded(turnId)).params?.["turn"])).toMatchObject({
      status: "interrupted",
    });
    model.enqueue(say("one"));
    const next = await client.startTurn(threadId, "hi again");
    keys.resolve(undefined);
    expect(Object((await client.turnEnded(next)).params?.["turn"])).toMatchObject({
      status: "completed",
    });
    expect(model.requests).toHaveLength(1);
    expect(backend.requests).toHaveLength(2);
  });

  it("that is refused says why: in the turn, to who connects, and in the audit log", async () => {
    const homes = homesWith(await identityToken({}, { kid: "canary" }));
    const host = await startOn(homes);
    const client = await HostClient.connect(homes);
    expect(await client.call("account/read")).toMatchObject({ account: null, userId: null });
    const source = join(homes.codexHome, "auth.json");
    const message = `The agent identity in ${source} cannot be used: agent identity JWT kid canary is not trusted. Get a new one from whoever issued it.`;
    expect(await turn(client)).toMatchObject({ status: "failed", error: { message } });
    expect(model.requests).toEqual([]);
    const later = await HostClient.connect(homes);
    const { params } = await later.until(({ method }) => method === "configWarning");
    expect(params).toEqual({ summary: message, details: null });
    await stop(host);
    const failed = { outcome: "failed", code: "identity_refused", about: { source } };
    expect(identityLines(homes)).toEqual([failed, failed]);
    expect(filesOf(homes)).not.toContain(agentPrivateKey);
  });
});
