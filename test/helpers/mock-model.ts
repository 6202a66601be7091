/**
 * A scripted model endpoint: answers `POST …/responses` (OpenAI Responses API over server-sent
 * events) with the next reply of its script, and remembers what it was asked.
 */
import { createServer } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** What a reply does, in order: send an event, send bytes as they are, wait, or cut the connection. */
export type MockStep =
  | { readonly send: Readonly<Record<string, unknown>> & { readonly type: string } }
  | { readonly bytes: string | Buffer }
  | { readonly wait: Promise<unknown> }
  | { readonly cut: true };

export type MockReply =
  | { readonly steps: readonly MockStep[]; readonly contentType?: string }
  | {
      readonly status: number;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
    };

export interface MockRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface MockModel {
  /** `http://127.0.0.1:PORT/v1` */
  readonly baseUrl: string;
  readonly requests: readonly MockRequest[];
  /** How many TCP connections were opened. */
  readonly connections: number;
  /** Replies not given yet. */
  readonly remaining: number;
  /** Adds to the script. Requests beyond it are answered with "nothing more to say". */
  enqueue(...replies: readonly (MockReply | ((request: MockRequest) => MockReply))[]): void;
  /** Resolves when `count` requests have come in all. */
  requested(count: number): Promise<void>;
  /** Cuts every connection and stops. */
  close(): Promise<void>;
}

let ids = 0;
const newId = (prefix: string): string => `${prefix}_${++ids}`;

export const send = (type: string, members: Readonly<Record<string, unknown>> = {}): MockStep => ({
  send: { ...members, type },
});

const outputText = (text: string) => [{ type: "output_text", text, annotations: [] }];

const completed = (id: string): MockStep =>
  send("response.completed", {
    response: {
      id,
      status: "completed",
      usage: {
        input_tokens: 100,
        input_tokens_details: { cached_tokens: 20 },
        output_tokens: 30,
        output_tokens_details: { reasoning_tokens: 5 },
        total_tokens: 130,
      },
    },
  });

/** The events of an assistant's message that comes in the given pieces. */
export function messageSteps(pieces: readonly string[], id = newId("msg")): readonly MockStep[] {
  const item = { type: "message", id, role: "assistant" };
  return [
    send("response.output_item.added", { item: { ...item, status: "in_progress", content: [] } }),
    ...pieces.map((delta) =>
      send("response.output_text.delta", { item_id: id, output_index: 0, content_index: 0, delta }),
    ),
    send("response.output_item.done", {
      item: { ...item, status: "completed", content: outputText(pieces.join("")) },
    }),
  ];
}

/** A whole answer made of the steps between its first and its last event. */
export function answer(...steps: readonly MockStep[]): MockReply {
  const id = newId("resp");
  return { steps: [send("response.created", { response: { id } }), ...steps, completed(id)] };
}

/** An answer that says `pieces`. */
export const say = (...pieces: readonly string[]): MockReply => answer(...messageSteps(pieces));

/** A call of a function tool. */
export function functionCall(
  name: string,
  args: unknown,
  callId = newId("call"),
): readonly MockStep[] {
  const item = {
    type: "function_call",
    id: newId("fc"),
    call_id: callId,
    name,
    arguments: JSON.stringify(args),
    status: "completed",
  };
  return [
    send("response.output_item.added", { item: { ...item, arguments: "" } }),
    send("response.output_item.done", { item }),
  ];
}

/** A call of a free-text tool. */
export function customCall(
  name: string,
  input: string,
  callId = newId("call"),
): readonly MockStep[] {
  const item = {
    type: "custom_tool_call",
    id: newId("ctc"),
    call_id: callId,
    name,
    input,
    status: "completed",
  };
  return [
    send("response.output_item.added", { item: { ...item, input: "" } }),
    send("response.output_item.done", { item }),
  ];
}

/** An answer that breaks off in the middle of its text. */
export const cutAfter = (text: string): MockReply => ({
  steps: [
    send("response.created", { response: { id: newId("resp") } }),
    ...messageSteps([text]).slice(0, 2),
    { cut: true },
  ],
});

/** A refusal with an OpenAI-like body. */
export const refusal = (
  status: number,
  headers: Readonly<Record<string, string>> = {},
  error: unknown = { message: `mock error ${status}`, type: "mock_error", code: "mock_error" },
): MockReply => ({ status, headers, body: JSON.stringify({ error }) });

export async function startMockModel(): Promise<MockModel> {
  const script: (MockReply | ((request: MockRequest) => MockReply))[] = [];
  const requests: MockRequest[] = [];
  const sockets = new Set<Socket>();
  const waiting = new Set<() => void>();
  let connections = 0;

  const server = createServer((incoming, response) => {
    void (async () => {
      const request = await readRequest(incoming);
      requests.push(request);
      for (const check of waiting) check();
      const next = script.shift() ?? say("nothing more to say");
      await play(typeof next === "function" ? next(request) : next, response);
    })();
  });
  server.on("connection", (socket) => {
    connections++;
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");

  return {
    baseUrl: `http://127.0.0.1:${address.port}/v1`,
    requests,
    get connections() {
      return connections;
    },
    get remaining() {
      return script.length;
    },
    enqueue: (...replies) => void script.push(...replies),
    requested: (count) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (requests.length < count) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

async function readRequest(incoming: IncomingMessage): Promise<MockRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
  const text = Buffer.concat(chunks).toString("utf8");
  const body: Record<string, unknown> = text === "" ? {} : JSON.parse(text);
  const { method = "", url = "", headers } = incoming;
  return { method, target: url, headers, body };
}

async function play(reply: MockReply, response: ServerResponse): Promise<void> {
  if ("status" in reply) {
    response.writeHead(reply.status, { "content-type": "application/json", ...reply.headers });
    response.end(reply.body ?? "");
    return;
  }
  const gone = new Promise<void>((resolve) => {
    response.once("close", resolve);
  });
  response.writeHead(200, { "content-type": reply.contentType ?? "text/event-stream" });
  response.flushHeaders();
  for (const step of reply.steps) {
    if (response.destroyed) return;
    if ("cut" in step) {
      await new Promise<void>((resolve) => {
        response.write(": cut here\n", () => resolve());
      });
      response.socket?.destroy();
      return;
    }
    if ("wait" in step) await Promise.race([step.wait, gone]);
    else if ("bytes" in step) response.write(step.bytes);
    else response.write(eventText(step.send));
  }
  response.end();
}

/** An event as it goes over the wire. */
export const eventText = (event: { readonly type: string }): string =>
  `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
