import { describe, expect, it } from "vitest";
import { z } from "zod";
import { Dispatcher } from "../../../src/dispatch/dispatcher.ts";
import type { Caller } from "../../../src/dispatch/dispatcher.ts";
import { methods } from "../../../src/features/index.ts";
import type { ResponseFrame } from "../../../src/protocol/frames.ts";
import type { Role } from "../../../src/protocol/principal.ts";
import { mayAct, roles } from "../../../src/protocol/principal.ts";
import { MemoryCallLedger } from "../../../src/store/memory-call-ledger.ts";
import { MemoryAudit } from "../../helpers/memory-audit.ts";
import { portsWith } from "../../helpers/no-ports.ts";

/** The weakest role that may call each method. */
const table: Readonly<Record<string, Role>> = {
  initialize: "viewer",
  "thread/start": "operator",
  "thread/resume": "viewer",
  "thread/read": "viewer",
  "thread/list": "viewer",
  "thread/loaded/list": "viewer",
  "thread/name/set": "operator",
  "thread/archive": "operator",
  "thread/delete": "operator",
  "thread/fork": "operator",
  "thread/metadata/update": "operator",
  "thread/unarchive": "operator",
  "thread/unsubscribe": "viewer",
  "thread/turns/list": "viewer",
  "thread/items/list": "viewer",
  "thread/settings/update": "operator",
  "thread/shellCommand": "admin",
  "thread/compact/start": "operator",
  "thread/inject_items": "operator",
  "thread/readState/update": "operator",
  "thread/search": "viewer",
  "thread/searchOccurrences": "viewer",
  "thread/items/read": "viewer",
  "thread/timeline/list": "viewer",
  "thread/revert": "operator",
  "thread/rollback": "operator",
  "thread/goal/set": "operator",
  "thread/goal/get": "viewer",
  "thread/goal/clear": "operator",
  "thread/backgroundTerminals/list": "viewer",
  "thread/backgroundTerminals/terminate": "approver",
  "thread/backgroundTerminals/clean": "approver",
  "thread/section/move": "operator",
  "threadSection/list": "viewer",
  "threadSection/create": "operator",
  "threadSection/update": "operator",
  "threadSection/delete": "operator",
  "thread/attachment/add": "operator",
  "thread/attachment/list": "viewer",
  "thread/attachment/remove": "operator",
  "thread/attachmentOwner/list": "viewer",
  "thread/memoryMode/set": "operator",
  "thread/memory/read": "viewer",
  "memory/status": "viewer",
  "memory/reset": "admin",
  "thread/queue/add": "operator",
  "thread/queue/list": "viewer",
  "thread/queue/update": "operator",
  "thread/queue/delete": "operator",
  "thread/queue/reorder": "operator",
  "thread/queue/start": "operator",
  "turn/start": "operator",
  "turn/steer": "operator",
  "turn/interrupt": "approver",
  "approval/inbox": "approver",
  "account/read": "viewer",
  "model/list": "viewer",
  "permissionProfile/list": "viewer",
  "config/read": "viewer",
  "config/value/write": "admin",
  "config/batchWrite": "admin",
  "experimentalFeature/list": "viewer",
  "experimentalFeature/enablement/set": "admin",
  "collaborationMode/list": "viewer",
  "configRequirements/read": "viewer",
  "fs/readDirectory": "operator",
  "fs/readFile": "operator",
  "fs/getMetadata": "operator",
  "fs/writeFile": "operator",
  "fs/createDirectory": "operator",
  "fs/remove": "operator",
  "fs/copy": "operator",
  "fs/watch": "operator",
  "fs/unwatch": "operator",
  fuzzyFileSearch: "operator",
  "fuzzyFileSearch/sessionStart": "operator",
  "fuzzyFileSearch/sessionUpdate": "operator",
  "fuzzyFileSearch/sessionStop": "operator",
  "command/exec": "operator",
  "command/exec/write": "operator",
  "command/exec/resize": "operator",
  "command/exec/terminate": "operator",
  "process/spawn": "admin",
  "process/writeStdin": "admin",
  "process/resizePty": "admin",
  "process/kill": "admin",
  "farhelm/host/read": "viewer",
  "farhelm/audit/head": "viewer",
  "farhelm/devices/list": "admin",
  "farhelm/devices/change": "admin",
  "farhelm/devices/revoke": "admin",
  "farhelm/devices/restore": "admin",
  "farhelm/restore/read": "admin",
  "farhelm/restore/confirm": "admin",
  "farhelm/token/issue": "admin",
  "farhelm/pair/offer": "admin",
  "farhelm/pair/list": "admin",
  "farhelm/pair/confirm": "admin",
  "farhelm/pair/refuse": "admin",
  "farhelm/pair/cancel": "admin",
  "device/key/create": "admin",
  "device/key/public": "admin",
  "device/key/sign": "admin",
  "remoteControl/status/read": "viewer",
  "remoteControl/pairing/start": "admin",
  "remoteControl/pairing/status": "admin",
  "remoteControl/client/list": "admin",
  "remoteControl/client/revoke": "admin",
  "mock/experimentalMethod": "viewer",
};

/** The declarations as they are, with handlers that only say that they were reached. */
const doors = methods.map(({ name, stability, role }) => ({
  name,
  stability,
  role,
  params: z.unknown(),
  result: z.unknown(),
  handle: () => "let in",
}));
const dispatcher = new Dispatcher(doors, {
  ports: portsWith(),
  audit: new MemoryAudit(),
  ledger: new MemoryCallLedger(),
  holds: () => true,
  log: { error: () => {} },
  checkResults: false,
});

function knock(role: Role, method: string): unknown {
  const nobody: Caller = Object.create(null);
  const caller = Object.assign(nobody, {
    principal: { kind: "device" as const, id: "d", name: "D", role, address: "127.0.0.1" },
    initialized: true,
    countsEvents: false,
    experimental: true,
  });
  const answers: ResponseFrame[] = [];
  dispatcher.answer(caller, { id: 1, method, params: {} }, (answer) => void answers.push(answer));
  const [answer] = answers;
  return answer && "error" in answer ? answer.error.message : answer?.result;
}

describe("who may call what", () => {
  it("is written down for every method: one that is missing in the table is not decided yet", () => {
    expect(Object.fromEntries(methods.map(({ name, role }) => [name, role]))).toEqual(table);
  });

  it.each(Object.entries(table))("%s needs %s, and no weaker role gets through", (name, needed) => {
    expect(roles.map((role) => knock(role, name))).toEqual(
      roles.map((role) =>
        mayAct(role, needed)
          ? "let in"
          : `${name} needs the role ${needed}; this connection has ${role}. An admin can change it.`,
      ),
    );
  });

  it("lets nobody without a role act", () => {
    expect(roles.indexOf("viewer")).toBe(0);
    expect(knock(JSON.parse('"superuser"'), "thread/list")).toBe(
      "thread/list needs the role viewer; this connection has superuser. An admin can change it.",
    );
  });
});
