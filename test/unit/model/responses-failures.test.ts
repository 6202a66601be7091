import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ProviderConfig } from "../../../src/config/port.ts";
import { ModelError } from "../../../src/model/port.ts";
import type { ResponsesProvider } from "../../../src/model/responses/responses-provider.ts";
import { cutAfter, refusal, send, startMockModel } from "../../helpers/mock-model.ts";
import type { MockModel, MockReply } from "../../helpers/mock-model.ts";
import { RecordingSink } from "../../helpers/recording-sink.ts";
import {
  REQUEST,
  failureOf,
  freePort,
  never,
  providerOf,
} from "../../helpers/responses-provider.ts";

let mock: MockModel;

beforeEach(async () => {
  mock = await startMockModel();
});

afterEach(() => mock.close());

const provider = (config: Partial<ProviderConfig> = {}): ResponsesProvider =>
  providerOf({ baseUrl: mock.baseUrl, ...config });

async function failure(reply: MockReply, config: Partial<ProviderConfig> = {}) {
  mock.enqueue(reply);
  return failureOf(provider(config));
}

const inStream = (code: string, message: string): MockReply => ({
  steps: [
    send("response.created", { response: { id: "r" } }),
    send("response.failed", { response: { id: "r", error: { code, message } } }),
  ],
});

describe("a failure", () => {
  it("401 is final and says what the endpoint said", async () => {
    const { seen } = await failure(refusal(401));
    expect(seen).toEqual({
      phase: "final",
      message: `unexpected status 401 Unauthorized: mock error 401, url: ${mock.baseUrl}/responses`,
      info: { httpConnectionFailed: { httpStatusCode: 401 } },
      retryAfterMs: undefined,
    });
  });

  it("500 may be tried again", async () => {
    const { seen } = await failure(refusal(500));
    expect(seen).toEqual({
      phase: "request",
      message: "We’re currently experiencing high demand, which may cause temporary errors.",
      info: "internalServerError",
      retryAfterMs: undefined,
    });
  });

  it("429 waits as long as Retry-After says", async () => {
    const { error, seen } = await failure(refusal(429, { "retry-after": "2" }));
    expect(seen).toEqual({
      phase: "request",
      message: "exceeded retry limit, last status: 429 Too Many Requests",
      info: { responseTooManyFailedAttempts: { httpStatusCode: 429 } },
      retryAfterMs: 2000,
    });
    const delays = [1, 4, 5].map((attempt) => provider().retryDelayMs(attempt, error));
    expect(delays).toEqual([2000, 2000, undefined]);
  });

  it.each([
    [503, "request", { httpConnectionFailed: { httpStatusCode: 503 } }],
    [403, "final", { httpConnectionFailed: { httpStatusCode: 403 } }],
    [400, "final", "other"],
  ])("status %i is of phase %s", async (status, phase, info) => {
    const { seen } = await failure(refusal(status));
    expect({ phase: seen.phase, info: seen.info }).toEqual({ phase, info });
  });

  it("404 of an unknown model names it", async () => {
    const error = { message: "The model x does not exist", code: "model_not_found" };
    const { seen } = await failure(refusal(404, {}, error));
    expect(seen).toMatchObject({ message: error.message, info: "modelNotFound", phase: "final" });
  });

  it.each([
    ["context_length_exceeded", "final", "contextWindowExceeded"],
    ["insufficient_quota", "final", "usageLimitExceeded"],
    ["rate_limit_exceeded", "stream", "rateLimitExceeded"],
    ["server_is_overloaded", "final", "serverOverloaded"],
    ["invalid_prompt", "final", "other"],
    ["something_new", "stream", "other"],
  ])("%s in the stream is of phase %s and info %s", async (code, phase, info) => {
    const { seen } = await failure(inStream(code, "Please try again in 1.5s."));
    expect({ phase: seen.phase, info: seen.info }).toEqual({ phase, info });
    expect(seen.retryAfterMs).toBe(code === "rate_limit_exceeded" ? 1500 : undefined);
  });

  it("keeps what came before a stream was cut", async () => {
    mock.enqueue(cutAfter("half an answer"));
    const sink = new RecordingSink();
    const attempt = provider().stream(REQUEST, sink, never());
    await expect(attempt).rejects.toMatchObject({
      phase: "stream",
      info: "other",
      message: expect.stringMatching(/^stream disconnected before completion: /),
    });
    expect(sink.text).toBe("half an answer");
  });

  it("an end without completion is a broken stream", async () => {
    const { seen } = await failure({ steps: [send("response.created", { response: {} })] });
    expect(seen).toMatchObject({
      phase: "stream",
      info: "other",
      message: "stream disconnected before completion: stream closed before response.completed",
    });
  });

  it("an incomplete response is final", async () => {
    const incomplete_details = { reason: "max_output_tokens" };
    const { seen } = await failure({
      steps: [send("response.incomplete", { response: { incomplete_details } })],
    });
    expect(seen).toMatchObject({
      phase: "final",
      message: "Incomplete response returned, reason: max_output_tokens",
    });
  });

  it("silence beyond the idle time-out breaks the stream", async () => {
    const { seen } = await failure(
      {
        steps: [
          send("response.created", { response: { id: "r" } }),
          { wait: new Promise(() => {}) },
        ],
      },
      { streamIdleTimeoutMs: 50 },
    );
    expect(seen).toMatchObject({
      phase: "stream",
      message: "stream disconnected before completion: idle timeout waiting for SSE",
    });
  });

  it("a page instead of a stream says to check base_url", async () => {
    const { seen } = await failure({ steps: [{ bytes: "<html>" }], contentType: "text/html" });
    expect(seen.phase).toBe("final");
    expect(seen.message).toContain("Check base_url of model provider `mock` in config.toml");
  });

  it("an event over 16 MiB is refused", async () => {
    const { seen } = await failure({
      steps: [{ bytes: Buffer.concat([Buffer.from("data: "), Buffer.alloc(17 << 20, 0x78)]) }],
    });
    expect(seen.phase).toBe("final");
    expect(seen.message).toContain("16777216 bytes");
  });

  it("a refused connection is tried for as long as it takes, at most every ten seconds or so", async () => {
    const free = await freePort();
    const from = provider({ baseUrl: `http://127.0.0.1:${free}/v1`, requestMaxRetries: 0 });
    const { error, seen } = await failureOf(from);
    expect(seen).toEqual({
      phase: "request",
      message:
        `Connection failed: http://127.0.0.1:${free}/v1/responses: 127.0.0.1:${free} refused the connection. ` +
        "Is the model server running? Otherwise check base_url of model provider `mock` in config.toml.",
      info: { responseStreamDisconnected: { httpStatusCode: null } },
      retryAfterMs: undefined,
    });
    expect(from.retryLimit(error)).toBeNull();
    expect(from.retryDelayMs(1, error)).toBeLessThanOrEqual(220);
    expect(from.retryDelayMs(1000, error)).toBeGreaterThanOrEqual(9_000);
    expect(from.retryDelayMs(1000, error)).toBeLessThanOrEqual(11_000);
  });

  it.each(["", "not a url", "ftp://host/v1"])("base_url %j is named", async (baseUrl) => {
    const { seen } = await failureOf(provider({ baseUrl }));
    expect(seen.phase).toBe("final");
    expect(seen.message).toContain(`base_url \`${baseUrl}\` of model provider \`mock\``);
  });

  it("is not answered with a secret from the address", async () => {
    const free = await freePort();
    const { seen } = await failureOf(
      provider({
        baseUrl: `http://user:canary@127.0.0.1:${free}/v1`,
        queryParams: { key: "canary" },
      }),
    );
    expect(seen.message).not.toContain("canary");
  });
});

describe("retries", () => {
  it("of a final error there are none", () => {
    const error = new ModelError("final", "no", "other");
    expect(provider().retryDelayMs(1, error)).toBeUndefined();
  });

  it("of a broken stream there are as many as configured, each later than the one before", () => {
    const error = new ModelError("stream", "broken", "other");
    const from = provider({ streamMaxRetries: 3 });
    const [first = 0, second = 0, third = 0, fourth] = [1, 2, 3, 4].map((attempt) =>
      from.retryDelayMs(attempt, error),
    );
    expect(first).toBeGreaterThanOrEqual(180);
    expect(second).toBeGreaterThan(first);
    expect(third).toBeGreaterThan(second);
    expect(fourth).toBeUndefined();
  });

  it("are not made when the endpoint asks for hours", () => {
    const error = new ModelError("request", "later", "other", { retryAfterMs: 3_600_000 });
    expect(provider().retryDelayMs(1, error)).toBeUndefined();
  });
});
