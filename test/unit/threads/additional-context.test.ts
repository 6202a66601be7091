import { describe, expect, it } from "vitest";
import { TurnId } from "../../../src/protocol/ids.ts";
import { contextNews } from "../../../src/threads/additional-context.ts";
import type { ContextEntry } from "../../../src/threads/port.ts";
import {
  createThreadBench,
  hangs,
  said,
  says,
  textInput,
  turnEnded,
  until,
} from "../../helpers/thread-bench.ts";

const entry = (key: string, value: string, more: Partial<ContextEntry> = {}): ContextEntry => ({
  key,
  value,
  kind: "application",
  name: null,
  ...more,
});

const instruction = (text: string) => ({
  type: "message",
  role: "developer",
  content: [{ type: "input_text", text }],
});

describe("what a client says beside a person's words", () => {
  it("is an instruction where it is the client's own, else what a tool gave", () => {
    const { items } = contextNews(new Map(), [
      entry("web page", "seen", { kind: "untrusted" }),
      entry("editor", "open file: a.ts"),
      entry("tab", "named", { kind: "untrusted", name: "browser_tab" }),
      entry("é", "x", { kind: "untrusted" }),
    ]);
    expect(items).toEqual([
      instruction("<editor>open file: a.ts</editor>"),
      { type: "function_call_output", name: "browser_tab", namespace: "agent", output: "named" },
      { type: "function_call_output", name: "webpage", namespace: "agent", output: "seen" },
      { type: "function_call_output", name: "untrusted_content", namespace: "agent", output: "x" },
    ]);
  });

  it("is said again only where it is other than with the words before", () => {
    const first = contextNews(new Map(), [entry("a", "1"), entry("b", "2")]);
    const second = contextNews(first.said, [entry("b", "3"), entry("a", "1")]);
    expect(second.items).toEqual([instruction("<b>3</b>")]);
    const third = contextNews(second.said, []);
    expect(contextNews(third.said, [entry("a", "1")]).items).toEqual([instruction("<a>1</a>")]);
    const named = contextNews(first.said, [entry("a", "1", { kind: "untrusted" })]);
    expect(named.items).toHaveLength(1);
  });

  it.each([
    ["x".repeat(4000), "x".repeat(4000)],
    ["x".repeat(4001), `${"x".repeat(2000)}…1 tokens truncated…${"x".repeat(2000)}`],
    ["ä".repeat(3001), `${"ä".repeat(1000)}…501 tokens truncated…${"ä".repeat(1000)}`],
    ["€".repeat(2000), `${"€".repeat(666)}…500 tokens truncated…${"€".repeat(666)}`],
  ])("keeps both ends of a long value (%#)", (value, kept) => {
    expect(contextNews(new Map(), [entry("k", value)]).items).toEqual([
      instruction(`<k>${kept}</k>`),
    ]);
  });
});

describe("a turn with such context", () => {
  it("tells the model before the words, shows people nothing, and is remembered", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    bench.model.script.push(hangs("m1", "half"), says("m2", "done"));
    const { turn, announce } = await bench.manager.startTurn(id, {
      input: textInput("hello"),
      clientId: "mine",
      context: [entry("note", "N-1")],
      outputSchema: null,
    });
    announce();
    await until(() => said(outlet, "m1") === "half");
    const turnId = TurnId.parse(turn.id);
    const same = [entry("note", "N-1"), entry("more", "N-2")];
    (await bench.manager.steer(id, turnId, textInput("also"), null, same)).announce();
    await turnEnded(outlet);
    const words = JSON.stringify(bench.model.requests.at(-1)?.input);
    const found = [...words.matchAll(/N-\d|hello|also/g)].map(([text]) => text);
    expect(found).toEqual(["N-1", "hello", "N-2", "also"]);
    const [shown] = (await bench.manager.read(id, true)).turns;
    expect(JSON.stringify(shown)).not.toMatch(/N-\d/);
    expect(shown?.items[0]).toMatchObject({ type: "userMessage", clientId: "mine" });
    await bench.manager.close();
    const again = bench.restarted();
    await again.resume(id, { includeTurns: false });
    const next = await again.startTurn(id, {
      input: textInput("later"),
      clientId: null,
      outputSchema: null,
    });
    next.announce();
    await until(() => bench.model.requests.length === 3);
    expect(JSON.stringify(bench.model.requests.at(-1)?.input)).toMatch(
      /N-1.*hello.*N-2.*also.*later/,
    );
    await again.close();
  });

  it("needs no words of a person", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    const started = await bench.manager.startTurn(id, {
      input: [],
      clientId: null,
      context: [entry("note", "alone")],
      outputSchema: null,
    });
    started.announce();
    await turnEnded(outlet);
    expect(JSON.stringify(bench.model.requests[0]?.input)).toContain("<note>alone</note>");
  });
});
