import { afterEach, expect, it, vi } from "vitest";
import { tick } from "../../helpers/memory-socket.ts";
import { sessionBench } from "../../helpers/session-bench.ts";

afterEach(() => void vi.useRealTimers());

it("comes at every interval to those who asked for it, until they go; then no timer is left", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const { open } = sessionBench();
  const join = (capabilities: object) => {
    const connection = open();
    connection.call("initialize", { clientInfo: { name: "t", version: "1" }, capabilities }, 1);
    return connection;
  };
  const [page, quiet] = [join({ heartbeat: true }), join({})];
  const deaf = join({ heartbeat: true, optOutNotificationMethods: ["farhelm/heartbeat"] });
  vi.advanceTimersByTime(20_000);
  await tick();
  vi.advanceTimersByTime(20_000);
  await tick();
  const start = ["answer 1", "remoteControl/status/changed"];
  expect(page.socket.trace).toEqual([...start, "farhelm/heartbeat", "farhelm/heartbeat"]);
  expect(page.socket.sent.at(-1)?.params).toEqual({ intervalMs: 20_000 });
  expect(page.socket.sent[0]?.result).toMatchObject({ pingIntervalMs: 20_000 });
  expect([quiet.socket.trace, deaf.socket.trace]).toEqual([start, start]);
  page.session.closed(1006);
  expect(vi.getTimerCount()).toBe(1);
  deaf.session.closed(1006);
  expect(vi.getTimerCount()).toBe(0);
});
