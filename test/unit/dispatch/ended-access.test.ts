import { expect, test } from "vitest";
import { z } from "zod";
import { method } from "../../../src/dispatch/define.ts";
import type { Caller } from "../../../src/dispatch/dispatcher.ts";
import { Dispatcher } from "../../../src/dispatch/dispatcher.ts";
import { deferred } from "../../../src/util/deferred.ts";
import { MemoryCallLedger } from "../../../src/store/memory-call-ledger.ts";
import { MemoryAudit } from "../../helpers/memory-audit.ts";
import { portsWith } from "../../helpers/no-ports.ts";

const callerOf = (id: string): Caller => {
  const caller: Caller = Object.create(null);
  return Object.assign(caller, {
    principal: { kind: "device", id, name: id, role: "operator", address: "192.0.2.1" },
    initialized: true,
    countsEvents: false,
    experimental: true,
  });
};

test("what waits when its caller's access ends does not run; what began goes on, and so do others", async () => {
  const gate = deferred<void>();
  const ran: string[] = [];
  const keyed = method({
    name: "keyed",
    stability: "stable",
    role: "operator",
    params: z.looseObject({ tag: z.string() }),
    result: z.unknown(),
    order: () => "one",
    async handle(_context, { tag }) {
      ran.push(tag);
      await gate.promise;
      return tag;
    },
  });
  const ended = new Set<string>();
  const audit = new MemoryAudit();
  const dispatcher = new Dispatcher([keyed], {
    ports: portsWith(),
    audit,
    ledger: new MemoryCallLedger(),
    holds: ({ id }) => !ended.has(id),
    log: { error: () => {} },
    checkResults: false,
  });
  const call = (by: string, tag: string) =>
    new Promise((resolve) => {
      dispatcher.answer(callerOf(by), { id: tag, method: "keyed", params: { tag } }, resolve);
    });
  const answers = [call("thief", "begun"), call("thief", "waiting"), call("owner", "honest")];
  await expect.poll(() => ran).toEqual(["begun"]);
  ended.add("thief");
  gate.resolve();
  expect(await Promise.all(answers)).toEqual([
    { id: "begun", result: "begun" },
    {
      id: "waiting",
      error: {
        code: -32600,
        message: "the access of this connection ended while the request waited; it was not run",
      },
    },
    { id: "honest", result: "honest" },
  ]);
  expect(ran).toEqual(["begun", "honest"]);
  expect(audit.entries.map(({ outcome, about }) => [outcome, about?.["method"]])).toEqual([
    ["done", "keyed"],
    ["denied", "keyed"],
    ["done", "keyed"],
  ]);
});
