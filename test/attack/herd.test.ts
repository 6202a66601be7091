/** Five hundred clients that lose their lines at one moment and come back by the client's own back-off. */
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { expect } from "vitest";
import { retryDelayMs } from "../../src/client/retry-delay.ts";
import { FaultProxy } from "../helpers/fault-proxy.ts";
import { seededRandom } from "../helpers/seeded-random.ts";
import { fault, useHost } from "./attack.ts";
import type { Bench } from "./bench.ts";
import { spread } from "./spread.ts";

useHost(async () => ({ program: {} }));

const clients = 500;
/** Long enough that the back-off has grown, as at the restart of a host. */
const outageMs = 3_000;

/** One that comes back by itself, with an `initialize` each time. */
class Sheep {
  /** When it was in, each time. */
  readonly inAtMs: number[] = [];
  readonly #open: () => WebSocket;
  readonly #random: () => number;
  #socket: WebSocket | undefined;
  #failures = 0;
  #stopped = false;
  attempts = 0;

  constructor(open: () => WebSocket, random: () => number) {
    this.#open = open;
    this.#random = random;
  }

  async live(): Promise<void> {
    while (!this.#stopped) {
      const socket = this.#open();
      this.#socket = socket;
      this.attempts += 1;
      socket.on("error", () => undefined);
      socket.on("open", () => {
        const params = { clientInfo: { name: "sheep", version: "1" } };
        socket.send(JSON.stringify({ id: 1, method: "initialize", params }));
      });
      socket.once("message", () => {
        this.#failures = 0;
        this.inAtMs.push(performance.now());
      });
      await new Promise((resolve) => {
        socket.once("close", resolve);
      });
      if (this.#stopped) return;
      await delay(retryDelayMs(this.#failures, this.#random()));
      this.#failures += 1;
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#socket?.terminate();
  }
}

/** The longest that an honest caller waited until `over`. */
async function longestWaitMs(bench: Bench, over: () => boolean): Promise<number> {
  let longestMs = 0;
  while (!over()) {
    const startedMs = performance.now();
    await bench.stillAnswers();
    longestMs = Math.max(longestMs, performance.now() - startedMs);
    await delay(20);
  }
  return Math.round(longestMs);
}

fault(
  "F16",
  "500 clients that lose their lines at once and come back after three seconds",
  { timeoutMs: 240_000 },
  async (bench) => {
    const proxy = await FaultProxy.start(bench.port);
    const token = await bench.token("viewer");
    const headers = { authorization: `Bearer ${token}`, host: `localhost:${bench.port}` };
    const url = `ws://127.0.0.1:${proxy.port}/`;
    const random = seededRandom(16);
    const flock = Array.from(
      { length: clients },
      () => new Sheep(() => new WebSocket(url, { headers, perMessageDeflate: false }), random),
    );
    const lives = flock.map((sheep) => sheep.live());
    const areIn = (times: number): boolean => flock.every(({ inAtMs }) => inAtMs.length >= times);
    await expect.poll(() => areIn(1), { timeout: 120_000, interval: 50 }).toBe(true);
    proxy.refuse();
    proxy.cut();
    await delay(outageMs);
    const attempts = flock.reduce((sum, sheep) => sum + sheep.attempts, 0) - clients;
    proxy.heal();
    const healedMs = performance.now();
    const lateMs = healedMs + 120_000;
    const waitMs = await longestWaitMs(bench, () => areIn(2) || performance.now() > lateMs);
    const backMs = flock.map(({ inAtMs }) => (inAtMs[1] ?? Infinity) - healedMs);
    for (const sheep of flock) sheep.stop();
    await Promise.all(lives);
    await proxy.close();
    const { medianMs, worstMs } = spread(backMs);
    // In the busiest quarter of a second there are few of them: they do not come together.
    const busiest = Math.max(
      ...backMs.map((at) => backMs.filter((other) => other >= at && other < at + 250).length),
    );
    expect(busiest).toBeLessThan(clients / 2);
    expect(waitMs).toBeLessThan(10_000);
    const astray = backMs.filter((ms) => !Number.isFinite(ms)).length;
    return { tried: clients, astray, attempts, medianMs, worstMs, busiest, waitMs };
  },
);
