/** A host that wants every approval signed, with a phone that may approve. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Auth } from "../../../src/auth/auth.ts";
import type { Answerer, ApprovalGate, ApprovalSubject } from "../../../src/auth/port.ts";
import type { ApprovalSettings } from "../../../src/config/approval-settings.ts";
import { ItemId, ThreadId, TurnId } from "../../../src/protocol/ids.ts";
import type { Role } from "../../../src/protocol/principal.ts";
import { Door, pair, type Paired } from "./door.ts";

export const always: ApprovalSettings = {
  signed: ["command", "escalated", "fileChange", "permissions"],
  signedRoles: [],
};

export const ids = {
  threadId: ThreadId.parse("t1"),
  turnId: TurnId.parse("u1"),
  itemId: ItemId.parse("call_1"),
};

export const command: Extract<ApprovalSubject, { kind: "command" }> = {
  ...ids,
  kind: "command",
  command: ["/bin/bash", "-lc", "rm -rf build"],
  cwd: "/srv",
  escalated: true,
};

export const adding = (diff: string) => [{ path: "/srv/a", kind: { type: "add" as const }, diff }];

export const patch: Extract<ApprovalSubject, { kind: "fileChange" }> = {
  ...ids,
  kind: "fileChange",
  changes: adding("one\n"),
  realPaths: ["/real/a"],
};

export const permissions: Extract<ApprovalSubject, { kind: "permissions" }> = {
  ...ids,
  kind: "permissions",
  cwd: "/srv",
  additions: { network: true, read: [], write: ["/out"] },
};

export class ApprovalBench {
  readonly door = new Door();
  auth: Auth;
  readonly phone: Paired;
  /** The phone's owner, over its connection. */
  readonly by: Answerer;

  private constructor(door: Door, auth: Auth, phone: Paired) {
    this.door = door;
    this.auth = auth;
    this.phone = phone;
    this.by = answerer(phone.clientId, "approver", "device");
  }

  static async open(): Promise<ApprovalBench> {
    const door = new Door();
    const auth = await door.open({ approvals: always });
    await pair(auth);
    return new ApprovalBench(door, auth, await pair(auth, { role: "approver" }));
  }

  gate(subject: ApprovalSubject = command, requestId = 7): ApprovalGate {
    const gate = this.auth.notary.gate(subject, requestId);
    if (gate === undefined || gate === "tooLong") throw new Error("nothing has to be signed");
    return gate;
  }

  /** The answer of an honest client. */
  answer(gate: ApprovalGate, decision: unknown = "accept", { device } = this.phone) {
    return { decision, farhelmSignature: device.approve(gate.challenge().payload, decision) };
  }

  /** The lines of all receipts. */
  receipts(): readonly string[] {
    const folder = join(this.door.home, "audit");
    const files = readdirSync(folder, { recursive: true, withFileTypes: true });
    return files
      .filter((file) => file.isFile())
      .flatMap(({ parentPath, name }) =>
        readFileSync(join(parentPath, name), "utf8").trimEnd().split("\n"),
      );
  }
}

export function answerer(id: string, role: Role, kind: Answerer["kind"]): Answerer {
  return { id, role, kind, name: "", address: "127.0.0.1" };
}
