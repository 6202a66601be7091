/** Commands under what was granted to them, to their turn, or to their thread. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import {
  everything,
  isPermissionsAsk,
  permissionFeatures,
  permissionsCall,
  toldOf,
  useAskingThread,
  writing,
} from "../helpers/asking-thread.ts";
import { keptGains } from "../helpers/kept-gains.ts";
import type { MockReply } from "../helpers/mock-model.ts";
import { answer, functionCall, say } from "../helpers/mock-model.ts";
import { needSandbox } from "../helpers/need-sandbox.ts";
import type { Sent } from "../helpers/text-frames.ts";

const open = useAskingThread();

const shell = (cmd: string, callId: string): MockReply =>
  answer(...functionCall("exec_command", { cmd }, callId));

const isRunAsk = ({ method }: Sent): boolean => method === "item/commandExecution/requestApproval";
const wide = (path: string, callId: string): MockReply =>
  answer(
    ...functionCall(
      "exec_command",
      {
        cmd: `echo made > ${path}/made`,
        sandbox_permissions: "with_additional_permissions",
        additional_permissions: writing(path),
      },
      callId,
    ),
  );

describe("commands after a grant", () => {
  beforeEach(needSandbox);
  test("write where it says until the turn ends, and nowhere else", async () => {
    const opened = await open();
    const { model, client, threadId, out, homes } = opened;
    const beside = join(homes.root, "beside");
    mkdirSync(beside);
    model.enqueue(
      shell(`echo a > ${out}/before`, "x1"),
      permissionsCall(writing(out), "c1"),
      shell(`echo b > ${out}/made; echo c > ${beside}/made`, "x2"),
      say("done"),
    );
    const turnId = await client.startTurn(threadId, "go");
    const question = await client.until(isPermissionsAsk);
    client.answer(question.id, everything("turn")(question.params ?? {}));
    await client.turnEnded(turnId);
    model.enqueue(shell(`echo d > ${out}/after`, "x3"), say("done"));
    await client.turnEnded(await client.startTurn(threadId, "again"));
    const files = [`${out}/before`, `${out}/made`, `${beside}/made`, `${out}/after`];
    expect(files.map((file) => existsSync(file))).toEqual([false, true, false, false]);
  });

  test("do not get what the profile denies below what was granted", async () => {
    const opened = await open({
      top: 'approval_policy = "on-request"\ndefault_permissions = "dev"',
      tables: () => `${permissionFeatures}
[permissions.dev]
extends = ":workspace"
[permissions.dev.filesystem.":project_roots"]
"**/*.key" = "deny"
".git" = "read"
`,
    });
    const { model, client, threadId, homes } = opened;
    writeFileSync(join(homes.cwd, "a.key"), "SECRET");
    model.enqueue(
      permissionsCall({ file_system: { write: [homes.cwd, join(homes.cwd, "a.key")] } }, "c1"),
      shell("cat a.key; echo x > a.key; echo y > made", "x1"),
      say("done"),
    );
    const turnId = await client.startTurn(threadId, "go");
    const question = await client.until(isPermissionsAsk);
    expect(Object(question.params)["permissions"]).toMatchObject({
      fileSystem: { write: [homes.cwd] },
    });
    client.answer(question.id, everything("turn")(question.params ?? {}));
    await client.turnEnded(turnId);
    expect(toldOf(opened, "x1")).not.toContain("SECRET");
    expect(readFileSync(join(homes.cwd, "a.key"), "utf8")).toBe("SECRET");
    expect(existsSync(join(homes.cwd, "made"))).toBe(true);
  });

  test("that asked for more themselves get it once, inside of the sandbox", async () => {
    const opened = await open();
    const { model, client, threadId, out, homes } = opened;
    const cmd = `echo a > ${out}/made; echo b > ${homes.root}/elsewhere`;
    const wish = { additional_permissions: writing(out) };
    model.enqueue(
      answer(...functionCall("exec_command", { cmd, ...wish }, "x1")),
      shell(`echo c > ${out}/again`, "x2"),
      say("done"),
    );
    const turnId = await client.startTurn(threadId, "go");
    const question = await client.until(isRunAsk);
    expect(question.gains).toEqual({ ...keptGains, write: [out] });
    client.answer(question.id, { decision: "accept" });
    await client.turnEnded(turnId);
    const files = [`${out}/made`, `${homes.root}/elsewhere`, `${out}/again`];
    expect(files.map((file) => existsSync(file))).toEqual([true, false, false]);
  });
});

describe("a command that asks for more", () => {
  test("names what it was granted before, too, and gains what is new", async () => {
    const { model, client, threadId, out } = await open();
    const wish = { additional_permissions: { network: { enabled: true } } };
    model.enqueue(
      permissionsCall(writing(out), "c1"),
      answer(...functionCall("exec_command", { cmd: "true", ...wish }, "x1")),
      say("done"),
    );
    const turnId = await client.startTurn(threadId, "go");
    const first = await client.until(isPermissionsAsk);
    client.answer(first.id, everything("turn")(first.params ?? {}));
    const question = await client.until(isRunAsk);
    expect(question.params).toMatchObject({
      additionalPermissions: { network: { enabled: true }, fileSystem: { write: [out] } },
    });
    client.answer(question.id, { decision: "decline" });
    await client.turnEnded(turnId);
  });

  test("says so in its question, and an acceptance for the session is of this wish alone", async () => {
    const opened = await open();
    const { model, client, threadId, out } = opened;
    model.enqueue(wide(out, "c1"), wide(out, "c2"), say("done"));
    const turnId = await client.startTurn(threadId, "go");
    const question = await client.until(isRunAsk);
    expect(question.params).toMatchObject({
      additionalPermissions: {
        network: null,
        fileSystem: {
          read: null,
          write: [out],
          entries: [{ path: { type: "path", path: out }, access: "write" }],
        },
      },
      availableDecisions: ["accept", "cancel"],
    });
    client.answer(question.id, { decision: "acceptForSession" });
    await client.turnEnded(turnId);
    expect(existsSync(`${out}/made`)).toBe(true);
    expect(client.sent.filter(isRunAsk).length).toBe(1);
  });

  test("is refused where nobody may be asked", async () => {
    const opened = await open();
    const { model, client, threadId, out } = opened;
    await client.call("thread/settings/update", { threadId, approvalPolicy: "never" });
    model.enqueue(wide(out, "c1"), say("done"));
    await client.turnEnded(await client.startTurn(threadId, "go"));
    expect(toldOf(opened, "c1")).toContain("you cannot ask for escalated permissions");
    expect(existsSync(`${out}/made`)).toBe(false);
  });

  test.each([
    [{ additional_permissions: {} }, "must include at least one requested permission"],
    [{ sandbox_permissions: "with_additional_permissions" }, "missing `additional_permissions`"],
    [
      {
        sandbox_permissions: "require_escalated",
        additional_permissions: { network: { enabled: true } },
      },
      "`additional_permissions` requires `sandbox_permissions`",
    ],
  ])("written as %j is told what is wrong with it", async (more, sentence) => {
    const opened = await open();
    const { model, client, threadId } = opened;
    const args = { cmd: "true", ...more };
    model.enqueue(answer(...functionCall("exec_command", args, "c1")), say("done"));
    await client.turnEnded(await client.startTurn(threadId, "go"));
    expect(toldOf(opened, "c1")).toContain(sentence);
  });
});
