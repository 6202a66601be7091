import { describe, expect, test } from "vitest";
import type { ApprovalGains } from "../../../src/protocol/approval-gains.ts";
import { answerTo } from "../../../src/dashboard/state/approval-answer.ts";
import { gainWords, spokenGains } from "../../../src/dashboard/state/approval-gains.ts";
import { challengeFor } from "../../../src/dashboard/state/approvals.ts";
import type { Approval } from "../../../src/dashboard/state/host-view.ts";
import { keptGains } from "../../helpers/kept-gains.ts";
import { apply, asked, opened } from "./wire.ts";

const inItem = { threadId: "a", turnId: "u1", itemId: "c", startedAtMs: 1, reason: null };
const questions = {
  "item/commandExecution/requestApproval": {
    ...inItem,
    kind: "command",
    environmentId: "local",
    command: "make",
    cwd: "/work",
    commandActions: [],
    proposedExecpolicyAmendment: [],
    availableDecisions: ["accept"],
  },
  "item/fileChange/requestApproval": { ...inItem, grantRoot: null },
  "item/permissions/requestApproval": {
    ...inItem,
    environmentId: "local",
    cwd: "/work",
    permissions: {
      network: { enabled: true },
      fileSystem: {
        read: null,
        write: ["/out"],
        entries: [{ path: { type: "path", path: "/out" }, access: "write" }],
      },
    },
  },
} as const;
type Method = keyof typeof questions;

function question(method: Method, gains?: ApprovalGains, more: object = {}): Approval {
  const state = apply(opened("a"), asked(0, { ...questions[method], ...more }, method, gains));
  const [approval] = state.approvals;
  if (approval === undefined) throw new Error("nothing was asked");
  return approval;
}
const [run, patch, permissions] = [
  "item/commandExecution/requestApproval",
  "item/fileChange/requestApproval",
  "item/permissions/requestApproval",
] as const;

const said = (method: Method, gains: Partial<ApprovalGains>, more: object = {}) => {
  const approval = question(method, { ...keptGains, ...gains }, more);
  const words = gainWords(approval, challengeFor(approval, "admin"));
  return words && { says: spokenGains(words), note: words.note, isOpen: words.isOpen };
};

describe("what an approval would allow anew, in words", () => {
  test.each<[string, Method, Partial<ApprovalGains>, string, string | null, boolean]>([
    [
      "a command in the sandbox",
      run,
      {},
      "Nothing that is not allowed now. It runs inside of the sandbox.",
      "It runs inside of the sandbox.",
      false,
    ],
    [
      "a command that leaves it",
      run,
      { sandbox: "left", network: true },
      "Run outside of the sandbox: it could read and change every file that you can, and use the network.",
      null,
      true,
    ],
    [
      "the same where the network is open anyway",
      run,
      { sandbox: "left" },
      "Run outside of the sandbox: it could read and change every file that you can.",
      null,
      true,
    ],
    [
      "a command that wants more and stays inside",
      run,
      { write: ["/srv/app/out"], read: ["/etc/ssl"], network: true },
      "Write to /srv/app/out; Read /etc/ssl; Use the network: any host",
      "Otherwise it stays inside of the sandbox.",
      false,
    ],
    [
      "a command where nothing is confined",
      run,
      { sandbox: "none" },
      "Nothing that is not allowed now. This thread has no sandbox: what runs in it can read and change every file that you can, and use the network.",
      "This thread has no sandbox: what runs in it can read and change every file that you can, and use the network.",
      true,
    ],
    [
      "the network behind a proxy",
      permissions,
      { network: true, proxied: true },
      "Use the network, as far as its rules let it",
      null,
      false,
    ],
    [
      "a command that wants to reach a host",
      run,
      { hosts: ["https://example.com:443"] },
      "Reach https://example.com:443",
      "Otherwise it stays inside of the sandbox.",
      false,
    ],
    ["a patch outside", patch, { write: ["/x", "/y"] }, "Write to /x; Write to /y", null, false],
    [
      "a patch inside",
      patch,
      {},
      "Nothing that is not allowed now. These files may be written.",
      "These files may be written.",
      false,
    ],
    [
      "everything",
      permissions,
      { write: ["/"] },
      "Write to every file that you can write",
      null,
      false,
    ],
    [
      "permissions that it has",
      permissions,
      {},
      "Nothing that is not allowed now. The agent has all of these permissions.",
      "The agent has all of these permissions.",
      false,
    ],
  ])("%s", (_what, method, gains, says, note, isOpen) => {
    expect(said(method, gains)).toEqual({ says, note, isOpen });
  });

  test("nothing is made up where the host says nothing", () => {
    expect(gainWords(question(run), undefined)).toBeUndefined();
  });
});

const signed = (payload: object) => ({
  farhelmSignature: {
    requiredOf: ["admin"],
    payload: {
      hostId: "h",
      threadId: "a",
      turnId: "u1",
      itemId: "c",
      requestId: 0,
      nonce: "n",
      expiresAt: 1,
      ...payload,
    },
  },
});

describe("where the answer is signed, what is signed counts:", () => {
  const command = { kind: "command", command: ["make"], cwd: "/work" };
  const additions = { network: true, read: [], write: ["/everything"] };

  test("a command outside of the sandbox is no quiet one", () => {
    const words = said(run, {}, signed({ ...command, escalated: true }));
    expect(words).toMatchObject({ says: expect.stringContaining("Run outside"), isOpen: true });
  });

  test("a host that a running command wants to reach is the signed one, and nothing else is made of one", () => {
    const reaches = "https://example.com:443";
    const running = signed({ ...command, escalated: false, reaches });
    expect(said(run, { hosts: ["https://other.test:443"] }, running)).toMatchObject({
      says: `Reach ${reaches}`,
    });
    const leaving = signed({ ...command, escalated: true });
    expect(said(run, { hosts: [reaches] }, leaving)).toMatchObject({ isOpen: true });
  });

  test("nor are paths left out that would be added", () => {
    const says = "Write to /everything; Use the network: any host";
    const wide = signed({ ...command, escalated: false, additions });
    expect(said(run, {}, wide)).toMatchObject({ says });
    const asks = signed({ kind: "permissions", cwd: "/work", additions });
    expect(said(permissions, {}, asks)).toMatchObject({ says });
  });
});

describe("a choice", () => {
  const entries = [{ path: { type: "path", path: "/out" }, access: "write" }];
  const all = { network: { enabled: true }, fileSystem: { entries } };
  test("on permissions grants all of what was asked for, or nothing", () => {
    const approval = question(permissions);
    expect(answerTo(approval, "accept")).toEqual({ permissions: all, scope: "turn" });
    expect(answerTo(approval, "acceptForSession")).toEqual({ permissions: all, scope: "session" });
    expect(answerTo(approval, "decline")).toEqual({ permissions: {}, scope: "turn" });
  });

  test("on anything else is a decision", () => {
    expect(answerTo(question(run), "accept")).toEqual({ decision: "accept" });
    expect(answerTo(question(patch), "acceptForSession")).toEqual({ decision: "acceptForSession" });
  });
});
