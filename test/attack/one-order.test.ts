/** Two clients and the stock terminal client on one thread: each is told the same events in the same order. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { FaultProxy } from "../helpers/fault-proxy.ts";
import type { MockModel } from "../helpers/mock-model.ts";
import { startMockModel } from "../helpers/mock-model.ts";
import { replyByPrompt } from "../helpers/prompted-model.ts";
import { configFor } from "../helpers/running-host.ts";
import { stockBinary } from "../helpers/stock-binary.ts";
import { Terminal, hasTmux } from "../helpers/terminal.ts";
import type { Sent } from "../helpers/text-frames.ts";
import { framesIn, wholeText } from "../helpers/text-frames.ts";
import { fault, useHost } from "./attack.ts";
import type { Bench } from "./bench.ts";

const binaries = ["0.169.0", "0.128.0"].map((version) => ({ version, path: stockBinary(version) }));
const possible = hasTmux() && binaries.every(({ path }) => path !== undefined);

let model: MockModel;
let proxy: FaultProxy;
let tapped: Buffer[] = [];

useHost(async () => {
  model = await startMockModel();
  replyByPrompt(model);
  // The terminal client names the address that it was given.
  proxy = await FaultProxy.start(0, { tap: (bytes) => void tapped.push(bytes) });
  return {
    config: configFor(model.baseUrl, 'approval_policy = "on-request"\nsandbox_mode = "read-only"'),
    changes: { allowedHosts: [`127.0.0.1:${proxy.port}`] },
  };
});
afterAll(async () => {
  await proxy?.close();
  await model?.close();
});

/** The text messages among the frames of a server, behind its handshake. */
const messagesIn = (bytes: Buffer): readonly Sent[] =>
  [...framesIn(bytes, bytes.indexOf("\r\n\r\n") + 4)].flatMap(({ first, payload }) =>
    first === wholeText ? [JSON.parse(payload.toString("utf8"))] : [],
  );

async function launch(bench: Bench, binary: string, home: string, ...args: readonly string[]) {
  tapped = [];
  proxy.targetPort = bench.port;
  const clientHome = join(bench.homes.root, home);
  mkdirSync(clientHome, { recursive: true });
  const top = 'check_for_update_on_startup = false\nsandbox_mode = "read-only"\n';
  const rest = `[tui]\nanimations = false\n[projects."${bench.homes.cwd}"]\ntrust_level = "trusted"\n`;
  // With a provider that wants no login the older client asks for none.
  const config = `${configFor(model.baseUrl, `${top}approval_policy = "on-request"`)}${rest}`;
  writeFileSync(join(clientHome, "config.toml"), config);
  const env = {
    CODEX_HOME: clientHome,
    HOME: bench.homes.root,
    FARHELM_TEST_TOKEN: await bench.token("admin"),
  };
  const remote = ["--remote", `ws://127.0.0.1:${proxy.port}`];
  const token = ["--remote-auth-token-env", "FARHELM_TEST_TOKEN"];
  return new Terminal([binary, ...args, ...remote, ...token], { cwd: bench.homes.cwd, env });
}

const isAsk = ({ method }: Sent): boolean => method?.endsWith("requestApproval") === true;

/** What is numbered of a thread, as one line each. */
const orderOf = (sent: readonly Sent[], threadId: string): readonly string[] =>
  sent
    .filter(({ seq, params }) => {
      const id = params?.["threadId"] ?? Object(params?.["thread"])["id"];
      return seq !== undefined && id === threadId;
    })
    .map(({ seq, method, params }) => `${seq} ${method} ${JSON.stringify(params)}`);

const seqOf = (line: string | undefined): number => Number.parseInt(line ?? "", 10);

fault(
  "F9",
  "two clients and the stock terminal client on one thread, all of whom act",
  { possible, timeoutMs: 240_000 },
  async (bench) => {
    const [stock] = binaries;
    const terminal = await launch(bench, stock?.path ?? "", "order");
    try {
      await terminal.shows("›");
      await terminal.enter("hello there");
      await terminal.shows("ANSWER: hello there");
      const one = await bench.clientAs("operator");
      const other = await bench.clientAs("operator");
      const { data } = await one.call("thread/list");
      const threadId = String(Object(Object(data)[0])["id"]);
      await one.call("thread/resume", { threadId });
      await other.call("thread/resume", { threadId });
      await one.turnEnded(await one.startTurn(threadId, "from one"));
      await terminal.shows("ANSWER: from one");
      await terminal.enter("run: echo by-the-agent");
      const { id } = await other.until(isAsk);
      await one.until(isAsk);
      other.answer(id, { decision: "accept" });
      await terminal.shows("TOOL-DONE");
      await Promise.all([
        one.startTurn(threadId, "slow"),
        other.startTurn(threadId, "both at once"),
      ]);
      const last = await other.startTurn(threadId, "from the other");
      await Promise.all([one.turnEnded(last), other.turnEnded(last)]);
      await terminal.shows("ANSWER: from the other");
      for (const client of [one, other]) await client.call("thread/loaded/list");
      const orders = [one.sent, other.sent, messagesIn(Buffer.concat(tapped))].map((sent) =>
        orderOf(sent, threadId),
      );
      const firstSeq = Math.max(...orders.map((order) => seqOf(order[0])));
      const lastSeq = Math.min(...orders.map((order) => seqOf(order.at(-1))));
      const ends = orders.map((order) =>
        order.filter((line) => seqOf(line) >= firstSeq && seqOf(line) <= lastSeq),
      );
      const astray = ends.filter((order) => order.join("\n") !== ends[0]?.join("\n")).length;
      expect(ends[1]).toEqual(ends[0]);
      expect(ends[2]).toEqual(ends[0]);
      return { tried: lastSeq - firstSeq, astray, watchers: ends.length };
    } finally {
      terminal.close();
    }
  },
);

/** Members that neither side knows, at every level. */
const foreign = { xUnknown: { deep: [1, { "\u00e4": null }] }, "": "x" };

fault(
  "F13",
  "clients of 0.128 and 0.169, and members and notifications that are new to either side",
  { possible, timeoutMs: 240_000 },
  async (bench) => {
    for (const { version, path } of binaries) {
      const terminal = await launch(bench, path ?? "", `client-${version}`);
      try {
        await terminal.shows("›");
        await terminal.enter(`hello from ${version}`);
        await terminal.shows(`ANSWER: hello from ${version}`);
      } finally {
        terminal.close();
      }
    }
    // A client of a later generation says more than this host knows, and is answered as any other.
    const client = await bench.clientAs("operator");
    const ask = async (method: string, params: object, more: object): Promise<unknown> => {
      const id = `f${(asked += 1)}`;
      client.sendText(JSON.stringify({ ...more, id, method, params: { ...params, ...more } }));
      const { result, error } = await client.until((sent) => sent.id === id);
      return error ?? result;
    };
    let asked = 0;
    let astray = 0;
    const threadId = await client.startThread();
    await client.turnEnded(await client.startTurn(threadId, "hello"));
    const calls: readonly (readonly [string, object])[] = [
      ["thread/read", { threadId, includeTurns: true }],
      ["thread/list", {}],
      ["thread/turns/list", { threadId }],
      ["thread/loaded/list", {}],
      ["model/list", {}],
      ["thread/read", { threadId: "none" }],
      ["no/such/method", {}],
    ];
    for (const [method, params] of calls) {
      const plain = JSON.stringify(await ask(method, params, {}));
      const more = JSON.stringify(await ask(method, params, foreign));
      if (plain !== more) astray += 1;
    }
    client.sendText(
      JSON.stringify({ method: "of/later/generations", params: foreign, ...foreign }),
    );
    const turnId = await client.startTurn(threadId, "run: echo x");
    const { id } = await client.until((sent) => isAsk(sent) && sent.params?.["turnId"] === turnId);
    client.sendText(JSON.stringify({ id, result: { decision: "accept", ...foreign }, ...foreign }));
    await client.turnEnded(turnId);
    const { thread } = await client.call("thread/read", { threadId, includeTurns: true });
    if (!JSON.stringify(thread).includes('"exitCode":0')) astray += 1;
    return { tried: binaries.length + calls.length + 2, astray };
  },
);
