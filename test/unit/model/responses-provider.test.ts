import { createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Accounts } from "../../../src/accounts/port.ts";
import type { ProviderConfig } from "../../../src/config/port.ts";
import type { ResponsesProvider } from "../../../src/model/responses/responses-provider.ts";
import { deferred } from "../../../src/util/deferred.ts";
import { fixedAccounts, withKey } from "../../helpers/fixed-accounts.ts";
import {
  answer,
  customCall,
  functionCall,
  messageSteps,
  say,
  send,
  startMockModel,
} from "../../helpers/mock-model.ts";
import type { MockModel } from "../../helpers/mock-model.ts";
import { RecordingSink } from "../../helpers/recording-sink.ts";
import { REQUEST, failureOf, never, providerOf } from "../../helpers/responses-provider.ts";

let mock: MockModel;

beforeEach(async () => {
  mock = await startMockModel();
});

afterEach(() => mock.close());

const provider = (
  config: Partial<ProviderConfig> = {},
  accounts: Accounts = fixedAccounts(),
): ResponsesProvider => providerOf({ baseUrl: mock.baseUrl, ...config }, accounts);

describe("a request", () => {
  it("has the shape that Responses endpoints expect", async () => {
    mock.enqueue(say("ok"));
    await provider(
      {
        httpHeaders: { "X-Extra": "yes" },
        envHttpHeaders: { "x-from-env": "EXTRA", "x-unset": "NOT_SET" },
        queryParams: { "api-version": "2026" },
      },
      withKey("sk-1"),
    ).stream({ ...REQUEST, outputSchema: { type: "object" } }, new RecordingSink(), never());
    const [request] = mock.requests;
    expect(request?.method).toBe("POST");
    expect(request?.target).toBe("/v1/responses?api-version=2026");
    expect(request?.headers).toMatchObject({
      accept: "text/event-stream",
      "content-type": "application/json",
      authorization: "Bearer sk-1",
      "x-extra": "yes",
      "x-from-env": "from the environment",
    });
    expect(request?.headers["x-unset"]).toBeUndefined();
    expect(request?.body).toEqual({
      model: "mock-model",
      instructions: "Be brief.",
      input: REQUEST.input,
      tools: REQUEST.tools,
      tool_choice: "auto",
      parallel_tool_calls: true,
      reasoning: { effort: "low", summary: "auto" },
      include: ["reasoning.encrypted_content"],
      store: false,
      stream: true,
      prompt_cache_key: "thread-1",
      text: {
        format: {
          type: "json_schema",
          name: "codex_output_schema",
          strict: true,
          schema: { type: "object" },
        },
      },
      client_metadata: { thread_id: "thread-1", turn_id: "turn-1" },
    });
  });

  it("goes out on the connection of the one before", async () => {
    const one = provider();
    mock.enqueue(say("a"), say("b"));
    await one.stream(REQUEST, new RecordingSink(), never());
    await one.stream(REQUEST, new RecordingSink(), never());
    expect(mock.connections).toBe(1);
  });

  it("is repeated when the server gave up the kept connection in the same moment", async () => {
    const body = `data: {"type":"response.completed","response":{"id":"r"}}\n\n`;
    const http = `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    let sockets = 0;
    const server = createServer((socket) => {
      sockets++;
      socket.once("data", () => {
        socket.write(http);
        socket.once("data", () => socket.resetAndDestroy());
      });
      socket.on("error", () => {});
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const address = server.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    const from = provider({ baseUrl: `http://127.0.0.1:${port}/v1` });
    await from.stream(REQUEST, new RecordingSink(), never());
    const second = await from.stream(REQUEST, new RecordingSink(), never());
    expect({ second, sockets }).toEqual({ second: { responseId: "r", usage: null }, sockets: 2 });
    from.close();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
  });

  it("is given up while its credentials are waited for, and not sent when they come", async () => {
    const credentials = deferred<Readonly<Record<string, string>>>();
    const from = provider({}, fixedAccounts({ headersFor: () => credentials.promise }));
    const abort = new AbortController();
    const outcome = from.stream(REQUEST, new RecordingSink(), abort.signal);
    const reason = new Error("stopped");
    abort.abort(reason);
    await expect(outcome).rejects.toBe(reason);
    credentials.resolve({ authorization: "Bearer late" });
    await from.stream(REQUEST, new RecordingSink(), never());
    expect(mock.requests.map(({ headers }) => headers.authorization)).toEqual(["Bearer late"]);
  });

  it("is not sent without the key that the provider needs", async () => {
    const { seen } = await failureOf(
      provider(
        {},
        fixedAccounts({
          headersFor: () =>
            Promise.reject(new Error("Missing environment variable: `KEY`. Set it.")),
        }),
      ),
    );
    expect(seen).toEqual({
      phase: "final",
      message: "Missing environment variable: `KEY`. Set it.",
      info: "other",
      retryAfterMs: undefined,
    });
    expect(mock.requests).toEqual([]);
  });
});

describe("an answer", () => {
  it("reaches the sink in order, with two tool calls and its usage", async () => {
    mock.enqueue(
      answer(
        send("response.output_item.added", { item: { type: "reasoning", id: "rs", summary: [] } }),
        send("response.reasoning_summary_part.added", { item_id: "rs", summary_index: 0 }),
        send("response.reasoning_summary_text.delta", {
          item_id: "rs",
          summary_index: 0,
          delta: "**Think**\n",
        }),
        send("response.reasoning_text.delta", { item_id: "rs", content_index: 1, delta: "raw" }),
        send("response.output_item.done", { item: { type: "reasoning", id: "rs", summary: [] } }),
        ...messageSteps(["I will ", '"run" it.'], "msg_x"),
        ...functionCall("exec_command", { cmd: "ls" }, "call_a"),
        ...customCall("apply_patch", "*** Begin Patch", "call_b"),
      ),
    );
    const sink = new RecordingSink();
    const outcome = await provider().stream(REQUEST, sink, never());
    expect(outcome.usage).toEqual({
      totalTokens: 130,
      inputTokens: 100,
      cachedInputTokens: 20,
      cacheWriteInputTokens: 0,
      outputTokens: 30,
      reasoningOutputTokens: 5,
    });
    expect(outcome.responseId).toMatch(/^resp_/);
    expect(sink.calls).toEqual([
      ["itemAdded", { type: "reasoning", id: "rs", summary: [] }],
      ["reasoningPartAdded", "rs", 0],
      ["reasoningDelta", "rs", 0, "**Think**\n"],
      ["reasoningTextDelta", "rs", 1, "raw"],
      ["itemDone", { type: "reasoning", id: "rs", summary: [] }],
      ["itemAdded", expect.objectContaining({ id: "msg_x" })],
      ["textDelta", "msg_x", "I will "],
      ["textDelta", "msg_x", '"run" it.'],
      ["itemDone", expect.objectContaining({ id: "msg_x" })],
      ["itemAdded", expect.objectContaining({ call_id: "call_a" })],
      ["itemDone", expect.objectContaining({ call_id: "call_a", arguments: '{"cmd":"ls"}' })],
      ["itemAdded", expect.objectContaining({ call_id: "call_b" })],
      ["itemDone", expect.objectContaining({ call_id: "call_b", input: "*** Begin Patch" })],
    ]);
  });

  it("is whole and leaves room for others when it floods", async () => {
    const pieces = Array.from({ length: 20_000 }, (_, index) => `piece ${index} `);
    const flood = messageSteps(pieces).flatMap((step) =>
      "send" in step ? [`data: ${JSON.stringify(step.send)}\n\n`] : [],
    );
    mock.enqueue(answer({ bytes: flood.join("") }));
    let turns = 0;
    let running = true;
    const count = (): void => {
      turns++;
      if (running) setImmediate(count);
    };
    count();
    const sink = new RecordingSink();
    await provider().stream(REQUEST, sink, never());
    running = false;
    expect(sink.text).toBe(pieces.join(""));
    expect(turns).toBeGreaterThan(10);
  });

  it("counts although the endpoint never closes its stream", async () => {
    const { steps } = { steps: [] as const, ...say("done") };
    mock.enqueue({ steps: [...steps, { wait: new Promise(() => {}) }] });
    const sink = new RecordingSink();
    await provider().stream(REQUEST, sink, never());
    expect(sink.text).toBe("done");
  });
});

describe("abort", () => {
  it("ends an answer at once with the signal's reason", async () => {
    const reason = new Error("interrupted");
    const controller = new AbortController();
    const steps = messageSteps(["working"]).slice(0, 2);
    mock.enqueue({ steps: [...steps, { wait: new Promise(() => {}) }] });
    const sink = new RecordingSink(() => controller.abort(reason));
    await expect(provider().stream(REQUEST, sink, controller.signal)).rejects.toBe(reason);
    expect(sink.text).toBe("working");
  });

  it("before the start sends nothing", async () => {
    const signal = AbortSignal.abort(new Error("too late"));
    const attempt = provider().stream(REQUEST, new RecordingSink(), signal);
    await expect(attempt).rejects.toThrow("too late");
    expect(mock.requests).toEqual([]);
  });

  it("while the endpoint has not answered ends the request", async () => {
    const controller = new AbortController();
    const silent = createServer();
    await new Promise<void>((resolve) => {
      silent.listen(0, "127.0.0.1", resolve);
    });
    const address = silent.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    silent.once("connection", () => controller.abort(new Error("stop")));
    const attempt = provider({ baseUrl: `http://127.0.0.1:${port}/v1` }).stream(
      REQUEST,
      new RecordingSink(),
      controller.signal,
    );
    await expect(attempt).rejects.toThrow("stop");
    await new Promise<void>((resolve) => {
      silent.close(() => resolve());
    });
  });
});
