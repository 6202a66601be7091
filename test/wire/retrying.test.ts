import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { openDatabase } from "../../src/db/database.ts";
import { auditLines } from "../helpers/audit-lines.ts";
import type { Homes } from "../helpers/running-host.ts";
import { HostClient, startOn, stop, stopHosts, temporaryHomes } from "../helpers/running-host.ts";

afterEach(stopHosts);

let ids = 0;

/** The whole answer to a request with a key. */
async function ask(
  client: HostClient,
  key: string,
  method: string,
  params: object,
): Promise<object> {
  const id = `k${++ids}`;
  client.sendText(JSON.stringify({ id, method, params, idempotencyKey: key }));
  const { id: _id, ...answer } = await client.until((sent) => sent.id === id);
  return answer;
}

async function tokenFor(
  admin: HostClient,
  name: string,
): Promise<{ readonly token: string; readonly id: string }> {
  const params = { name, role: "operator", ttlMs: 60_000 };
  const { token, id } = await admin.call("farhelm/token/issue", params);
  return { token: String(token), id: String(id) };
}

const connect = (url: string, token: string): Promise<HostClient> =>
  HostClient.initialized(
    new WebSocket(url.replace("http", "ws"), { headers: { authorization: `Bearer ${token}` } }),
  );

function callsKept({ farhelmHome }: Homes): readonly unknown[] {
  const database = openDatabase(join(farhelmHome, "farhelm.sqlite"));
  const rows = database.prepare("SELECT DISTINCT principal_id FROM store_calls").all();
  database.close();
  return rows.map((row) => row["principal_id"]);
}

test("a call is made once over connections and restarts, and is nobody else's", async () => {
  const homes = temporaryHomes("");
  const host = await startOn(homes);
  const admin = await HostClient.connect(homes);
  const [one, other] = [await tokenFor(admin, "one"), await tokenFor(admin, "other")];
  const first = await connect(host.url, one.token);
  const started = await ask(first, "k-1", "thread/start", { cwd: homes.cwd });
  expect(started).toEqual({ result: expect.objectContaining({ thread: expect.anything() }) });
  first.drop();
  const second = await connect(host.url, one.token);
  expect(await ask(second, "k-1", "thread/start", { cwd: homes.cwd })).toEqual({
    ...started,
    replayed: true,
  });
  expect(await ask(second, "k-1", "thread/start", { cwd: homes.root })).toMatchObject({
    error: { code: -32600, data: { code: "idempotency_key_reused" } },
  });
  const stranger = await connect(host.url, other.token);
  expect(await ask(stranger, "k-1", "thread/start", { cwd: homes.cwd })).not.toMatchObject({
    replayed: true,
  });
  await stop(host);

  const restarted = await startOn(homes);
  const third = await connect(restarted.url, one.token);
  expect(await ask(third, "k-1", "thread/start", { cwd: homes.cwd })).toEqual({
    ...started,
    replayed: true,
  });
  expect(
    auditLines(homes.farhelmHome)
      .filter(({ act }) => act === "call")
      .map(({ outcome, code, who }) => [outcome, code, Object(who)["name"]]),
  ).toEqual([
    ["done", undefined, "one"],
    ["failed", "idempotency_key_reused", "one"],
    ["done", undefined, "other"],
  ]);

  expect(new Set(callsKept(homes))).toEqual(new Set([one.id, other.id]));
  const again = await HostClient.connect(homes);
  await again.call("farhelm/devices/revoke", { id: one.id });
  expect(callsKept(homes)).toEqual([other.id]);
});

test("a call that runs is joined from a second connection", async () => {
  const homes = temporaryHomes("");
  await startOn(homes);
  const [first, second] = [await HostClient.connect(homes), await HostClient.connect(homes)];
  const [begun, goOn] = [join(homes.cwd, "begun"), join(homes.cwd, "go-on")];
  const script = `echo x >> ${begun}; until [ -e ${goOn} ]; do sleep 0.05; done; cat ${begun}`;
  const params = { command: ["sh", "-c", script], sandboxPolicy: { type: "dangerFullAccess" } };
  const running = ask(first, "k-1", "command/exec", params);
  await expect.poll(() => existsSync(begun), { timeout: 20_000 }).toBe(true);
  const joined = ask(second, "k-1", "command/exec", params);
  await second.call("thread/loaded/list");
  await first.call("command/exec", { ...params, command: ["touch", goOn] });
  const answer = { result: { exitCode: 0, stdout: "x\n", stderr: "" } };
  expect(await running).toEqual(answer);
  expect(await joined).toEqual({ ...answer, replayed: true });
});

test("a token is not kept for a retry", async () => {
  const homes = temporaryHomes("");
  await startOn(homes);
  const admin = await HostClient.connect(homes);
  const params = { name: "one", role: "viewer", ttlMs: 60_000 };
  const issued = await ask(admin, "k-1", "farhelm/token/issue", params);
  expect(await ask(admin, "k-1", "farhelm/token/issue", params)).toMatchObject({
    error: { code: -32600, data: { code: "answer_not_kept" } },
  });
  const { data } = await admin.call("farhelm/devices/list");
  expect(data).toHaveLength(1);
  const database = openDatabase(join(homes.farhelmHome, "farhelm.sqlite"));
  const rows = JSON.stringify(database.prepare("SELECT * FROM store_calls").all());
  database.close();
  expect(rows).not.toContain(String(Object(Object(issued).result)["token"]));
});
