/** Every method by every role, over real sockets; and what belongs to others. */
import { expect } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { methods } from "../../src/features/index.ts";
import { exampleOf } from "../../src/model/offline/schema-example.ts";
import { mayAct, roles } from "../../src/protocol/principal.ts";
import { HostClient } from "../helpers/running-host.ts";
import { attack } from "./attack.ts";

/** Their names of what is meant exclude one another. */
const oneName: ReadonlySet<string> = new Set(["farhelm/devices/revoke", "farhelm/devices/restore"]);

const absolute = {
  path: "/nowhere",
  sourcePath: "/nowhere",
  destinationPath: "/nowhere",
  cwd: "/nowhere",
};

/** Params that parse, so that the role is what decides; the ids are nobody's. */
const paramsOf = (name: string, params: z.ZodType): object => ({
  ...Object(exampleOf(z.toJSONSchema(params, { io: "input", unrepresentable: "any" }), "x")),
  ...(oneName.has(name) && { id: "none", account: undefined, all: undefined }),
  ...(/^(?:fs|process)\//.test(name) && absolute),
});

attack(
  "D1",
  "every method by each role that is too weak for it",
  { expect: { act: "call", code: "role" }, timeoutMs: 120_000 },
  async (bench) => {
    let [tried, admitted, cells] = [0, 0, 0];
    for (const role of roles) {
      bench.moveOn();
      const client = await bench.clientAs(role);
      for (const { name, role: needed, params, ...rest } of methods) {
        if (name === "initialize") continue;
        cells += 1;
        const said = await client.call(name, paramsOf(name, params)).then(() => "answered", String);
        const isLocal = "localOnly" in rest;
        const refused = isLocal
          ? said.includes("is not available over remote transports")
          : said.includes(`${name} needs the role ${needed}; this connection has ${role}.`);
        const mayCall = !isLocal && mayAct(role, needed);
        if (mayCall) expect([name, role, refused]).toEqual([name, role, false]);
        else tried += 1;
        if (!mayCall && !refused) admitted += 1;
      }
    }
    expect(cells).toBe((methods.length - 1) * roles.length);
    return { tried, admitted, cells };
  },
);

attack(
  "D2",
  "another's threads, turns, questions, files and processes",
  { expect: { act: "call", code: "scope" }, timeoutMs: 120_000 },
  async (bench) => {
    const admin = await bench.admin();
    const threadId = await admin.startThread();
    const turnId = await admin.startTurn(threadId, "run `git --version`");
    const { id } = await admin.until(({ method }) => method?.endsWith("requestApproval") === true);
    const { token, id: thiefId } = await admin.call("farhelm/token/issue", {
      name: "thief",
      role: "operator",
      ttlMs: 600_000,
    });
    const scope = { threads: ["00000000-0000-4000-8000-000000000001"] };
    await admin.call("farhelm/devices/change", { id: thiefId, scope });
    const headers = { authorization: `Bearer ${String(token)}` };
    const url = `ws://127.0.0.1:${bench.port}/`;
    const thief = await HostClient.initialized(
      new WebSocket(url, { headers, localAddress: bench.address }),
    );
    const calls: readonly (readonly [string, object])[] = [
      ["thread/read", { threadId }],
      ["thread/resume", { threadId }],
      ["thread/items/list", { threadId }],
      ["thread/turns/list", { threadId }],
      ["turn/steer", { threadId, expectedTurnId: turnId, input: [] }],
      ["turn/interrupt", { threadId, turnId }],
      ["thread/queue/list", { threadId }],
      ["thread/fork", { threadId }],
      ["fs/readFile", { path: `${bench.homes.cwd}/x` }],
      ["fs/readDirectory", { path: bench.homes.codexHome }],
      ["command/exec/terminate", { processId: "1" }],
      ["command/exec", { command: ["true"] }],
    ];
    let admitted = 0;
    for (const [method, params] of calls) {
      await thief.call(method, params).then(() => (admitted += 1), String);
    }
    thief.answer(id, { decision: "accept" });
    expect(await thief.call("thread/list")).toMatchObject({ data: [] });
    admin.answer(id, { decision: "decline" });
    await admin.turnEnded(turnId);
    expect(JSON.stringify(thief.sent)).not.toContain(turnId);
    return { tried: calls.length + 1, admitted };
  },
);

attack(
  "C16",
  "a viewer that calls itself an admin in `initialize`",
  { expect: { act: "call", code: "role" } },
  async (bench) => {
    const token = await bench.token("viewer");
    const claims = {
      role: "admin",
      roles: ["admin"],
      scopes: ["admin", "remote_control_controller_websocket"],
      principal: { kind: "local", id: "local", role: "admin" },
      clientId: "local",
      sub: "local",
      __proto__: { role: "admin" },
    };
    const forms = [
      { ...claims },
      { clientInfo: { name: "t", version: "1", ...claims } },
      { capabilities: { experimentalApi: true, ...claims } },
      { _meta: claims, auth: claims, identity: claims },
    ];
    let admitted = 0;
    for (const form of forms) {
      const socket = new WebSocket(`ws://127.0.0.1:${bench.port}/`, {
        headers: { authorization: `Bearer ${token}` },
        localAddress: bench.address,
      });
      const client = await HostClient.opened(socket);
      await client.call("initialize", {
        clientInfo: { name: "t", version: "1" },
        capabilities: { experimentalApi: true },
        ...form,
        ...("capabilities" in form ? {} : { capabilities: { experimentalApi: true } }),
      });
      for (const method of ["farhelm/devices/list", "farhelm/pair/offer", "thread/start"]) {
        const refused = client.call(method, {});
        const outcome = await refused.then(
          () => "admitted",
          (error: unknown) => String(error),
        );
        if (!outcome.includes("this connection has viewer")) admitted += 1;
      }
    }
    return { tried: forms.length * 3, admitted };
  },
);
