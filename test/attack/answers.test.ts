/** Answers to questions: two at once, too late, to another's question, to none. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import type { MockModel } from "../helpers/mock-model.ts";
import { answer, functionCall, say, startMockModel } from "../helpers/mock-model.ts";
import type { HostClient } from "../helpers/running-host.ts";
import { configFor } from "../helpers/running-host.ts";
import type { Sent } from "../helpers/text-frames.ts";
import { attack, useHost } from "./attack.ts";
import type { Bench } from "./bench.ts";

let model: MockModel;

useHost(async () => {
  model = await startMockModel();
  return { config: configFor(model.baseUrl) };
});
afterAll(() => model?.close());

interface Question {
  readonly id: number;
  readonly threadId: string;
  readonly turnId: string;
}

let words = 0;

/** A file that commands write to, a line for each time that one ran. */
class Counter {
  readonly #file: string;
  readonly word = `word${(words += 1)}`;

  constructor({ homes }: Bench) {
    this.#file = join(homes.cwd, `${this.word}.txt`);
  }

  get command(): string {
    return `echo ${this.word} >> ${this.#file}`;
  }

  get ran(): number {
    return existsSync(this.#file) ? readFileSync(this.#file, "utf8").split("\n").length - 1 : 0;
  }
}

const isAsk = ({ method }: Sent): boolean => method === "item/commandExecution/requestApproval";

const asksOf = (turnId: string) => (sent: Sent) =>
  isAsk(sent) && sent.params?.["turnId"] === turnId;

/** The agent wants to run the counter's command, and everybody who watches is asked. */
async function asked(client: HostClient, threadId: string, counter: Counter): Promise<Question> {
  const rights = { sandbox_permissions: "require_escalated", justification: "a test" };
  const call = functionCall("exec_command", { cmd: counter.command, ...rights });
  model.enqueue(answer(...call));
  const turnId = await client.startTurn(threadId, "go");
  const { id } = await client.until(asksOf(turnId));
  return { id: Number(id), threadId, turnId };
}

const resolvedOf =
  ({ id }: Question) =>
  ({ method, params }: Sent): boolean =>
    method === "serverRequest/resolved" && params?.["requestId"] === id;

/** What this connection was told of the end of a question. */
const toldOf = async (client: HostClient, question: Question): Promise<unknown> =>
  (await client.until(resolvedOf(question))).params;

async function watching(bench: Bench, count: number) {
  const clients = await Promise.all(
    Array.from({ length: count }, () => bench.clientAs("operator")),
  );
  const [first] = clients;
  if (first === undefined) throw new Error("nobody watches");
  const threadId = await first.startThread();
  model.enqueue(say("hello"));
  await first.turnEnded(await first.startTurn(threadId, "hello"));
  for (const client of clients.slice(1)) await client.call("thread/resume", { threadId });
  return { clients, first, threadId };
}

attack(
  "D3",
  "an approval answered by three devices at once, with different decisions",
  { expect: { act: "approval.answer", code: "not_waiting" }, timeoutMs: 120_000 },
  async (bench) => {
    const [one, other] = [await bench.pair("operator"), await bench.pair("operator")];
    const devices = [await bench.connect(one), await bench.connect(other)];
    const headless = await bench.clientAs("approver");
    const clients = [...devices, headless];
    const [first] = devices;
    if (first === undefined) throw new Error("no device");
    const threadId = await first.startThread();
    model.enqueue(say("hello"));
    await first.turnEnded(await first.startTurn(threadId, "hello"));
    for (const client of clients.slice(1)) await client.call("thread/resume", { threadId });
    const rounds = 20;
    let admitted = 0;
    const wins = new Map<string, number>();
    for (let round = 0; round < rounds; round += 1) {
      const counter = new Counter(bench);
      const question = await asked(first, threadId, counter);
      await Promise.all(clients.map((client) => client.until(asksOf(question.turnId))));
      // Each begins a third of the rounds, and the decisions go round with another period.
      const order = clients.map((_, index) => clients[(index + round) % clients.length] ?? first);
      for (const [index, client] of order.entries()) {
        const decision = (index + (round >> 1)) % 2 === 0 ? "accept" : "decline";
        client.answer(question.id, { decision });
      }
      const told = await Promise.all(clients.map((client) => toldOf(client, question)));
      const { answer: counted } = Object(told[0]);
      await Promise.all(clients.map((client) => client.turnEnded(question.turnId)));
      const ended = first.sent.filter(
        ({ method, params }) =>
          method === "item/completed" &&
          params?.["turnId"] === question.turnId &&
          Object(params["item"])["type"] === "commandExecution",
      );
      const accepted = Object(counted)["decision"] === "accept";
      expect(ended.map(({ params }) => Object(params?.["item"])["status"])).toEqual([
        accepted ? "completed" : "declined",
      ]);
      const same = told.every((each) => JSON.stringify(each) === JSON.stringify(told[0]));
      if (!same || counter.ran !== (accepted ? 1 : 0)) admitted += 1;
      const { id } = Object(Object(counted)["by"]);
      wins.set(id, (wins.get(id) ?? 0) + 1);
      const tellings = clients.map((client) => client.sent.filter(resolvedOf(question)).length);
      expect(tellings).toEqual([1, 1, 1]);
    }
    // The ids are those of the devices; the third is a token's.
    expect([...wins.keys()]).toEqual(expect.arrayContaining([one.clientId, other.clientId]));
    return { tried: rounds * (clients.length - 1), admitted, winners: wins.size };
  },
);

attack(
  "D4",
  "an approval answered again: after it was resolved, after an interruption, after the turn, with another thread's id",
  {
    expect: [
      { act: "approval.answer", code: "not_waiting" },
      { act: "approval.answer", code: "not_asked" },
    ],
  },
  async (bench) => {
    const { clients, first, threadId } = await watching(bench, 2);
    const elsewhere = await bench.clientAs("operator");
    const strange = await elsewhere.startThread();
    let tried = 0;
    const again = (question: Question, by: readonly HostClient[] = clients): void => {
      for (const client of by) {
        for (const decision of ["accept", "acceptForSession"]) {
          client.answer(question.id, { decision });
          tried += 1;
        }
      }
    };
    // Behind these every earlier answer has had its effect, if it has one.
    const settled = (): Promise<unknown> =>
      Promise.all([...clients, elsewhere].map((client) => client.call("thread/loaded/list")));

    const declined = new Counter(bench);
    const resolved = await asked(first, threadId, declined);
    first.answer(resolved.id, { decision: "decline" });
    await toldOf(first, resolved);
    again(resolved);
    await first.turnEnded(resolved.turnId);
    again(resolved);

    const stopped = new Counter(bench);
    const interrupted = await asked(first, threadId, stopped);
    await first.call("turn/interrupt", { threadId, turnId: interrupted.turnId });
    again(interrupted);
    await first.turnEnded(interrupted.turnId);

    const other = new Counter(bench);
    const foreign = await asked(first, threadId, other);
    again(foreign, [elsewhere]);
    again(resolved);
    again(interrupted);
    await settled();
    const waits = first.sent.every((sent) => !resolvedOf(foreign)(sent));
    first.answer(foreign.id, { decision: "decline" });
    await first.turnEnded(foreign.turnId);
    again(foreign, [elsewhere]);
    await settled();

    const own = new Counter(bench);
    const ofOther = await asked(elsewhere, strange, own);
    again(ofOther);
    await settled();
    elsewhere.answer(ofOther.id, { decision: "decline" });
    await elsewhere.turnEnded(ofOther.turnId);
    const ran = [declined, stopped, other, own].reduce((sum, counter) => sum + counter.ran, 0);
    return { tried, admitted: ran + (waits ? 0 : 1) };
  },
);

attack(
  "D9",
  "answers to questions that nobody asked, of other forms of an id, and of connections that were not asked",
  {
    expect: [
      { act: "approval.answer", code: "not_waiting" },
      { act: "approval.answer", code: "not_asked" },
    ],
  },
  async (bench) => {
    const { first, threadId } = await watching(bench, 1);
    const counter = new Counter(bench);
    const question = await asked(first, threadId, counter);
    const { id } = question;
    const subscriber = await bench.clientAs("operator");
    await subscriber.call("thread/resume", { threadId });
    await subscriber.until(asksOf(question.turnId));
    await subscriber.call("thread/unsubscribe", { threadId });
    const strangers = [await bench.clientAs("operator"), await bench.admin()];
    const viewer = await bench.clientAs("viewer");
    await viewer.call("thread/resume", { threadId });
    let tried = 0;
    const accept = (client: HostClient, text: string): void => {
      client.sendText(`{"id":${text},"result":{"decision":"accept"}}`);
      tried += 1;
    };
    for (const client of [...strangers, viewer]) accept(client, String(id));
    const forms = [
      `"${id}"`,
      `" ${id}"`,
      `"${id}.0"`,
      `-${id + 1}`,
      `${id + 1}`,
      `${id + 4294967296}`,
    ];
    for (const text of [...forms, '"__proto__"', '"r0"', "9007199254740991"]) accept(first, text);
    for (const client of [first, viewer, ...strangers]) await client.call("thread/loaded/list");
    const told = first.sent.filter(({ method }) => method === "serverRequest/resolved");
    const early = counter.ran + told.length;
    first.answer(id, { decision: "accept" });
    await first.turnEnded(question.turnId);
    expect(counter.ran).toBe(1);
    return { tried, admitted: early };
  },
);
