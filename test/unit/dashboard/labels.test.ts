import { expect, test } from "vitest";
import { bareCommand } from "../../../src/dashboard/state/bare-command.ts";
import { connectionLabel } from "../../../src/dashboard/state/connection-label.ts";
import { deviceName } from "../../../src/dashboard/state/device-name.ts";
import { FrameQueue } from "../../../src/dashboard/state/frame-queue.ts";
import { gapSentence } from "../../../src/dashboard/state/gap-sentence.ts";
import { inboxSubject } from "../../../src/dashboard/state/inbox.ts";
import { commandsOf, stepParts } from "../../../src/dashboard/state/next-step.ts";
import { countdown, readPairingEntry } from "../../../src/dashboard/state/pairing-entry.ts";
import {
  childPath,
  parentPath,
  relativePath,
  shortPath,
} from "../../../src/dashboard/state/paths.ts";
import { ItemId, ThreadId, TurnId } from "../../../src/protocol/ids.ts";

test("the connection says in words how it stands", () => {
  const reason = { code: "revoked", message: "", nextStep: "" };
  const labels = [
    { kind: "connected", attempt: 1, sinceMs: 0 } as const,
    { kind: "attempting", attempt: 1 } as const,
    { kind: "attempting", attempt: 2 } as const,
    { kind: "waiting", attempt: 2, retryAtMs: 5_200, reason: "" } as const,
    { kind: "offline", attempt: 1 } as const,
    { kind: "stopped" } as const,
    { kind: "signedOut", reason } as const,
  ].map((state) => connectionLabel(state, 1_000).text);
  expect(labels).toEqual([
    "Connected",
    "Connecting…",
    "Reconnecting…",
    "Reconnecting in 5 s",
    "Offline",
    "Disconnected",
    "Signed out",
  ]);
});

test("a device gets a name that its owner recognises", () => {
  expect([
    deviceName("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1"),
    deviceName("Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0 Safari/537.36"),
    deviceName("curl/8"),
  ]).toEqual(["Safari on iPhone", "Chrome on Linux", "Browser"]);
});

test("commands in a next step are found", () => {
  const step = "Run `npx farhelm pair` on the host.";
  expect(commandsOf(step)).toEqual(["npx farhelm pair"]);
  expect(stepParts(step).map(({ kind }) => kind)).toEqual(["text", "command", "text"]);
});

test("what a person pastes or types is read as a code or as a link", () => {
  const [secret, fingerprint, ca] = ["s".repeat(43), "h".repeat(43), "c".repeat(43)];
  const byLink = { way: { secret }, hostFingerprint: fingerprint };
  const pasted = [
    ` http://localhost:7420/pair#${secret}.${fingerprint} `,
    `https://box:7420/pair#${secret}.${fingerprint}.${ca}`,
    `#${secret}.${fingerprint}`,
  ];
  expect(pasted.map(readPairingEntry)).toEqual([byLink, byLink, byLink]);
  expect(readPairingEntry(secret)).toEqual({ way: { secret }, hostFingerprint: undefined });
  for (const typed of ["ABCD-EFGH", "abcd efgh", "ABCDEFGH"]) {
    expect(readPairingEntry(typed)).toEqual({
      way: { code: "ABCDEFGH" },
      hostFingerprint: undefined,
    });
  }
  const neither = ["", "ABCD-EFG0", "http://localhost:7420/pair", `${secret}.x`, "s3cret"];
  expect(neither.map(readPairingEntry)).toEqual(neither.map(() => undefined));
});

test("the time that is left is said in minutes and seconds, and ends at nothing", () => {
  expect([300_000, 61_001, 59_000, 1, 0, -5].map((leftMs) => countdown(leftMs, 0))).toEqual([
    "5:00",
    "1:02",
    "0:59",
    "0:01",
    "0:00",
    "0:00",
  ]);
});

test("a command is shown without its shell only where the host says what is inside", () => {
  const inner = [{ type: "unknown", command: "git --version" }] as const;
  expect(bareCommand("/bin/bash -lc 'git --version'", inner)).toBe("git --version");
  expect(bareCommand("/bin/bash -lc 'rm -rf /'", inner)).toBe("/bin/bash -lc 'rm -rf /'");
  expect(bareCommand("ls", [])).toBe("ls");
});

test("paths are shortened, joined and made relative", () => {
  expect([shortPath("/home/dev/app"), shortPath("/srv/build"), shortPath("/")]).toEqual([
    "…/dev/app",
    "/srv/build",
    "/",
  ]);
  expect([parentPath("/a/b"), parentPath("/a"), parentPath("/")]).toEqual(["/a", "/", "/"]);
  expect([childPath("/", "a"), childPath("/a", "b")]).toEqual(["/a", "/a/b"]);
  expect([relativePath("/a/b/c", "/a"), relativePath("/ab", "/a")]).toEqual(["b/c", "/ab"]);
});

test("what arrives within a frame is taken once, in order, by whichever clock comes first", () => {
  const due: (() => void)[] = [];
  const cancelled: string[] = [];
  const batches: number[][] = [];
  const clock = {
    requestFrame: (run: () => void) => (due.push(run), () => cancelled.push("frame")),
    requestTimer: (run: () => void) => (due.push(run), () => cancelled.push("timer")),
  };
  const queue = new FrameQueue<number>(clock, (batch) => batches.push([...batch]));
  queue.push(1);
  queue.push(2);
  due[1]?.();
  queue.push(3);
  due[2]?.();
  expect(batches).toEqual([[1, 2], [3]]);
  expect(cancelled).toEqual(["frame", "timer", "frame", "timer"]);
});

test("a gap is told with its cause, one of a later host too", () => {
  expect([gapSentence("restarted"), gapSentence("moon")]).toEqual([
    "Not every step that was missed here could be shown (the host was restarted meanwhile). This is the thread as it is now.",
    "Not every step that was missed here could be shown (moon). This is the thread as it is now.",
  ]);
});

test("what waits is named by its command, or by what it is", () => {
  const entry = {
    threadId: ThreadId.parse("t"),
    threadName: null,
    cwd: "/work",
    turnId: TurnId.parse("u"),
    itemId: ItemId.parse("i"),
    requestId: 1,
    askedAtMs: 1,
  };
  const whole = "/bin/bash -lc 'git push'";
  const asked = (command: string, commandActions: object[]) => ({
    ...entry,
    method: "item/commandExecution/requestApproval",
    params: { command, commandActions },
  });
  expect([
    inboxSubject(asked(whole, [{ type: "unknown", command: "git push" }])),
    inboxSubject(asked(whole, [])),
    inboxSubject({ ...entry, method: "item/tool/requestUserInput", params: {} }),
    inboxSubject({ ...entry, method: "item/fileChange/requestApproval", params: {} }),
  ]).toEqual(["git push", whole, "A question", "Change files"]);
});
