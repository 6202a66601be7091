import { describe, expect, test } from "vitest";
import { ItemId } from "../../../src/protocol/ids.ts";
import type { CommandNetwork, HostAnswer, HostQuestion } from "../../../src/tools/port.ts";
import { deferred } from "../../../src/util/deferred.ts";
import {
  answerer,
  calls,
  createThreadBench,
  says,
  turnEnded,
  until,
} from "../../helpers/thread-bench.ts";

const proxied = { "features.network_proxy": true, approval_policy: "on-request" };
const page: HostQuestion = { host: "new.test", port: 443, protocol: "https" };

/** A thread whose tool `reach` stays until it is let go; what it may reach is in `network`. */
async function reaching(config: Readonly<Record<string, unknown>> = proxied) {
  const bench = createThreadBench();
  const networks: (CommandNetwork | undefined)[] = [];
  let done = deferred<void>();
  bench.tools.set("reach", async ({ callId }, context) => {
    networks.push(
      context.network?.({
        itemId: ItemId.parse(callId),
        command: ["curl", "https://new.test"],
        commandLine: "curl https://new.test",
        cwd: context.cwd,
        actions: [],
      }),
    );
    await done.promise;
    return { output: "done" };
  });
  const { id, outlet } = await bench.thread({ config });
  const end = new AbortController();
  return {
    bench,
    id,
    outlet,
    end,
    /** Starts a turn with a command in it. */
    begin: async (): Promise<CommandNetwork> => {
      done = deferred<void>();
      const count = networks.length;
      bench.model.script.push(calls(["reach", `c${count}`]), says("m", "ok"));
      await bench.turn(id, "go");
      await until(() => networks.length > count, "the command");
      const network = networks.at(-1);
      if (!network) throw new Error("no proxy");
      return network;
    },
    letGo: () => done.resolve(),
    asked: (count: number) =>
      until(() => outlet.askedIds.length === count, `question no. ${count}`),
    answer: (decision: unknown): void => {
      const requestId = outlet.askedIds.at(-1) ?? -1;
      bench.manager.requests.answer(requestId, { result: { decision } }, answerer);
    },
  };
}

const rule = (action: "allow" | "deny", host = "new.test"): unknown => ({
  applyNetworkPolicyAmendment: { network_policy_amendment: { host, action } },
});

describe("a host that no rule names", () => {
  test("is asked about with what is known of it and the command", async () => {
    const { bench, begin, asked, outlet, id, end } = await reaching();
    const network = await begin();
    void network.ask(page, end.signal);
    await asked(1);
    expect(outlet.sent.find(({ method }) => method?.endsWith("requestApproval"))).toEqual({
      method: "item/commandExecution/requestApproval",
      id: outlet.askedIds[0],
      seq: expect.any(Number),
      gains: {
        sandbox: "kept",
        network: false,
        proxied: false,
        hosts: ["https://new.test:443"],
        read: [],
        write: [],
      },
      params: {
        kind: "command",
        threadId: id,
        turnId: expect.any(String),
        itemId: "c0",
        startedAtMs: expect.any(Number),
        approvalId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        environmentId: "local",
        reason:
          "The command wants to reach https://new.test:443, which no rule of its network names.",
        networkApprovalContext: { host: "new.test", protocol: "https" },
        command: "curl https://new.test",
        cwd: bench.home,
        commandActions: [],
        proposedNetworkPolicyAmendments: [
          { host: "new.test", action: "allow" },
          { host: "new.test", action: "deny" },
        ],
        availableDecisions: ["accept", "acceptForSession", rule("allow"), "cancel"],
      },
    });
    expect((await bench.manager.read(id, false)).status).toEqual({
      type: "active",
      activeFlags: ["waitingOnApproval"],
    });
  });

  test.each<[unknown, HostAnswer, HostAnswer | "asked"]>([
    ["accept", "allowed", "asked"],
    ["acceptForSession", "allowed", "allowed"],
    [{ acceptWithExecpolicyAmendment: { execpolicy_amendment: [] } }, "allowed", "asked"],
    [rule("allow"), "allowed", "allowed"],
    [rule("deny"), "declined", "asked"],
    [rule("allow", "other.test"), "declined", "asked"],
    ["decline", "declined", "asked"],
    ["perhaps", "unanswered", "asked"],
  ])("answered with %j is %s, and %s for the next command", async (decision, given, later) => {
    const { begin, asked, answer, letGo, outlet, end } = await reaching();
    const network = await begin();
    const first = network.ask(page, end.signal);
    await asked(1);
    answer(decision);
    expect(await first).toBe(given);
    letGo();
    await turnEnded(outlet);
    const next = await begin();
    const second = next.ask(page, end.signal);
    if (later === "asked") await asked(2);
    expect(later === "asked" || (await second)).toBe(later === "asked" ? true : later);
  });

  test("is asked about once for a command, however many connections wait for it", async () => {
    const { begin, asked, answer, outlet, end } = await reaching();
    const network = await begin();
    const waiting = [page, page, page].map((question) => network.ask(question, end.signal));
    await asked(1);
    answer("accept");
    expect(await Promise.all(waiting)).toEqual(["allowed", "allowed", "allowed"]);
    expect(await network.ask(page, end.signal)).toBe("allowed");
    expect(outlet.askedIds.length).toBe(1);
    void network.ask({ ...page, port: 22 }, end.signal);
    await asked(2);
  });

  test("that was declined is declined as long as the command runs", async () => {
    const { begin, asked, answer, outlet, end } = await reaching();
    const network = await begin();
    const first = network.ask(page, end.signal);
    await asked(1);
    answer("decline");
    expect([await first, await network.ask(page, end.signal)]).toEqual(["declined", "declined"]);
    expect(outlet.askedIds.length).toBe(1);
  });

  test("has a rule of its own afterwards, and the last word counts", async () => {
    const { begin, asked, answer, end } = await reaching();
    const network = await begin();
    expect(network.rules()).toMatchObject({ allowed: [], denied: [] });
    void network.ask(page, end.signal);
    await asked(1);
    answer(rule("deny"));
    await until(() => network.rules().denied.length === 1);
    expect(network.rules()).toMatchObject({ allowed: [], denied: ["new.test"] });
    void network.ask({ ...page, port: 80 }, end.signal);
    await asked(2);
    answer(rule("allow"));
    await until(() => network.rules().allowed.length === 1);
    expect(network.rules()).toMatchObject({ allowed: ["new.test"], denied: [] });
  });

  test("is nobody's to be asked about once the command or the turn has ended", async () => {
    const { begin, asked, letGo, outlet, end } = await reaching();
    const network = await begin();
    const first = network.ask(page, end.signal);
    await asked(1);
    end.abort();
    expect(await first).toBe("closed");
    const running = new AbortController().signal;
    const second = network.ask(page, running);
    await asked(2);
    letGo();
    expect(await second).toBe("closed");
    await turnEnded(outlet);
    expect(await network.ask(page, running)).toBe("closed");
    expect(outlet.askedIds.length).toBe(2);
    expect(outlet.trace.filter((name) => name === "serverRequest/resolved").length).toBe(2);
  });

  test("is refused where nobody may be asked", async () => {
    for (const approval_policy of [
      "never",
      { granular: { sandbox_approval: false, rules: true, mcp_elicitations: true } },
    ]) {
      const { begin, outlet, end } = await reaching({ ...proxied, approval_policy });
      expect(await (await begin()).ask(page, end.signal)).toBe("closed");
      expect(outlet.askedIds).toEqual([]);
    }
  });

  test("ends the turn where a person says so", async () => {
    const { begin, asked, answer, outlet, end, letGo } = await reaching();
    const first = (await begin()).ask(page, end.signal);
    await asked(1);
    answer("cancel");
    expect(await first).toBe("declined");
    letGo();
    await turnEnded(outlet);
    expect(outlet.sent.find(({ method }) => method === "turn/completed")?.params).toMatchObject({
      turn: { status: "interrupted" },
    });
  });

  test("is not asked about when many others are", async () => {
    const { begin, asked, end, outlet } = await reaching();
    const network = await begin();
    const many = Array.from({ length: 8 }, (_, index) => ({ ...page, port: index + 1 }));
    for (const question of many) void network.ask(question, end.signal);
    await asked(8);
    expect(await network.ask(page, end.signal)).toBe("closed");
    expect(outlet.askedIds.length).toBe(8);
  });
});

test("there is no proxy where nobody switched it on", async () => {
  await expect((await reaching({})).begin()).rejects.toThrow("no proxy");
});
