/** Commands behind the network proxy, in a real host: what their lists let through, and what a person is asked about. */
import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type HostBench, useHostBench } from "../helpers/host-bench.ts";
import { answer, functionCall, say } from "../helpers/mock-model.ts";
import { HostClient } from "../helpers/running-host.ts";
import { needSandbox } from "../helpers/need-sandbox.ts";

const begin = useHostBench();

const top = (policy: string): string =>
  `approval_policy = "${policy}"\ndefault_permissions = "work"`;
/** Hosts of tests can only lie on this machine. */
const work =
  (domains: string, feature = "true"): (() => string) =>
  () =>
    `
[features]
network_proxy = ${feature}
[permissions.work]
extends = ":workspace"
[permissions.work.network]
enabled = true
allow_local_binding = true
[permissions.work.network.domains]
${domains}
[permissions.wide]
extends = "work"
[permissions.wide.network.domains]
"*" = "allow"
`;
/** The items of the turn in which the agent runs these commands, one after another. */
async function runs({ model, client, homes }: HostBench, ...cmds: readonly string[]) {
  for (const [index, cmd] of cmds.entries())
    model.enqueue(
      answer(...functionCall("exec_command", { cmd, yield_time_ms: 30_000 }, `call_${index}`)),
    );
  model.enqueue(say("done"));
  const threadId = await client.startThread({ cwd: homes.cwd });
  const turnId = await client.startTurn(threadId, "go");
  await client.turnEnded(turnId);
  const events = client.eventsOf(threadId);
  return {
    outputs: events.flatMap(({ method, params }) => {
      const item = Object(params?.["item"]);
      return method === "item/completed" && item.type === "commandExecution"
        ? [item.aggregatedOutput]
        : [];
    }),
    questions: events.filter(({ method }) => method?.endsWith("/requestApproval")),
  };
}

describe("with a sandbox", () => {
  beforeEach(needSandbox);

  /** What was asked of it. */
  const asked: string[] = [];
  let site: Server;
  let port = 0;
  beforeAll(async () => {
    site = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.end("from the site\n");
    });
    await new Promise<void>((resolve) => {
      site.listen(0, "127.0.0.1", resolve);
    });
    const address = site.address();
    if (address !== null && typeof address === "object") ({ port } = address);
  });
  afterAll(() => void site.close());
  beforeEach(() => {
    asked.length = 0;
  });

  const fetch = (path: string): string =>
    `curl -sS -m 60 --noproxy '' http://127.0.0.1:${port}${path}`;

  test("what is on the list is reached unasked, and nothing else under never", async () => {
    const bench = await begin({ top: top("never"), tables: work('"127.0.0.1" = "allow"') });
    const { outputs, questions } = await runs(
      bench,
      `${fetch("/one")}; ${fetch("/two").replace("127.0.0.1", "127.0.0.2")}; (exec 3<>/dev/tcp/127.0.0.1/${port}) 2>/dev/null && echo CONNECTED; true`,
    );
    expect(outputs).toEqual([
      expect.stringMatching(/^from the site\nnetwork_host_unlisted: [^\n]+\n$/),
    ]);
    expect({ asked, questions }).toEqual({ asked: ["/one"], questions: [] });
  });

  test("the agent reads what was refused, of tunnels too, and that once", async () => {
    const bench = await begin({ top: top("never"), tables: work("") });
    const tunnel = `curl -s -p -m 60 --noproxy '' http://127.0.0.1:${port}/`;
    await runs(bench, `${tunnel}; ${tunnel}; true`);
    const told = JSON.stringify(bench.model.requests.at(-1)?.body["input"]);
    expect(told.split(String.raw`\nNetwork: `).slice(1)).toEqual([
      expect.stringContaining(`127.0.0.1:${port}: network_host_unlisted: `),
    ]);
    expect(asked).toEqual([]);
  });

  test("what is denied is denied, whoever could be asked", async () => {
    const bench = await begin({ top: top("on-request"), tables: work('"127.*" = "deny"') });
    const { outputs, questions } = await runs(bench, fetch("/"));
    expect(outputs).toEqual([expect.stringMatching(/^network_host_denied: /)]);
    expect({ asked, questions }).toEqual({ asked: [], questions: [] });
  });

  test("a person is asked about a host that is on no list, and the command waits", async () => {
    const bench = await begin({ top: top("on-request"), tables: work("") });
    const { client } = bench;
    const question = client.until(({ method }) => method?.endsWith("/requestApproval") ?? false);
    void question.then(({ id }) => {
      expect(asked).toEqual([]);
      return client.answer(id, { decision: "acceptForSession" });
    });
    const { outputs, questions } = await runs(
      bench,
      `${fetch("/a")} & ${fetch("/b")}; wait`,
      fetch("/c"),
    );
    expect(outputs).toEqual(["from the site\n".repeat(2), "from the site\n"]);
    expect([asked.toSorted(), questions.length]).toEqual([["/a", "/b", "/c"], 1]);
    expect((await question).params).toMatchObject({
      kind: "command",
      itemId: "call_0",
      networkApprovalContext: { host: "127.0.0.1", protocol: "http" },
      reason: expect.stringContaining(`http://127.0.0.1:${port}`),
      command: expect.stringContaining("curl"),
    });
  });

  test("a host that a person declines is not reached, and the agent reads why", async () => {
    const bench = await begin({ top: top("on-request"), tables: work("") });
    const { client, model } = bench;
    void client
      .until(({ method }) => method?.endsWith("/requestApproval") ?? false)
      .then(({ id }) => client.answer(id, { decision: "decline" }));
    const { outputs } = await runs(bench, fetch("/"));
    expect(outputs).toEqual([expect.stringMatching(/^network_host_declined: /)]);
    expect(JSON.stringify(model.requests.at(-1)?.body["input"])).toContain("network_host_declined");
    expect(asked).toEqual([]);
  });

  test("rules that make no sense stop what would be behind them", async () => {
    const bench = await begin({ top: top("never"), tables: work('"http://a.test/" = "deny"') });
    const { model } = bench;
    await runs(bench, fetch("/"));
    expect(JSON.stringify(model.requests.at(-1)?.body["input"])).toMatch(
      /exec_command failed: .*is no pattern of hosts/,
    );
    expect(asked).toEqual([]);
  });

  test("a client's own command is behind it too, and nobody is asked", async () => {
    const bench = await begin({ top: top("on-request"), tables: work('"127.0.0.1" = "allow"') });
    const { client, homes } = bench;
    const other = fetch("/").replace("127.0.0.1", "127.0.0.2");
    const command = ["bash", "-c", `${fetch("/own")}; ${other}`];
    const result = await client.call("command/exec", { command, cwd: homes.cwd });
    expect(result).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^from the site\nnetwork_host_unlisted: /),
    });
  });

  test("to widen the lists, or to switch the proxy off, is an admin's to do", async () => {
    const bench = await begin({ top: top("never"), tables: work('"127.0.0.1" = "allow"') });
    const { client, homes, host } = bench;
    const { cwd } = homes;
    const wishes = [
      ["thread/start", { cwd, permissions: "wide" }],
      ["command/exec", { cwd, command: ["true"], permissionProfile: "wide" }],
      ["thread/start", { cwd, config: { "features.network_proxy": false } }],
      ["thread/start", { cwd, config: { features: { network_proxy: { enabled: true } } } }],
      ["thread/start", { cwd, config: { "features.network_proxy.domains": { "*": "allow" } } }],
      ["thread/start", { cwd, config: { "permissions.work.network.domains": { "*": "allow" } } }],
    ] as const;
    const operator = await HostClient.connectAs("operator", host, client);
    for (const [method, params] of wishes) {
      await expect(operator.call(method, params)).rejects.toThrow(/role admin/);
      await client.call(method, params);
    }
    await operator.call("thread/start", { cwd, permissions: "work" });
  });

  test("without the switch the network is all of it", async () => {
    const bench = await begin({ top: top("never"), tables: work("", "false") });
    const { outputs } = await runs(bench, `echo "$HTTP_PROXY"; ${fetch("/")}`);
    expect(outputs).toEqual(["\nfrom the site\n"]);
  });
});
