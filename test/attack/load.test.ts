/** Many at once, too slow, too often: the host goes on for everybody else, within bounds. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { WebSocket } from "ws";
import { ConnectStart } from "../../src/protocol/auth-api.ts";
import { rawSocket, upgradeText, type RawAnswer } from "../helpers/raw-http.ts";
import { HostClient } from "../helpers/running-host.ts";
import { attack, useHost } from "./attack.ts";
import { admittedOf, codeOf, type Bench } from "./bench.ts";

useHost(async () => ({ program: {} }));

/** As many as the list asks for, or as this machine's limit of open files lets one process hold. */
function reachable(wanted: number): number {
  const limits = process.platform === "linux" ? readFileSync("/proc/self/limits", "utf8") : "";
  const files = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 4_096);
  return Math.max(100, Math.min(wanted, files - 1_000));
}

/** Of the host's process, in MB; 0 where the system does not say. */
function rssMb({ program }: Bench): number {
  if (process.platform !== "linux") return 0;
  const status = readFileSync(`/proc/${program.pid}/status`, "utf8");
  return Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024);
}

/** The longest that an honest caller waited, asking again and again until `over`. */
async function longestWaitMs(ask: () => Promise<unknown>, over: () => boolean): Promise<number> {
  let longestMs = 0;
  do {
    const startedMs = performance.now();
    await ask();
    longestMs = Math.max(longestMs, performance.now() - startedMs);
    await sleep(20);
  } while (!over());
  return Math.round(longestMs);
}

/** Connections that say `first` and then nothing, or what `drip` says; counted from their beginning. */
class SlowOnes {
  readonly #port: number;
  readonly #sockets: Socket[] = [];
  open = 0;
  /** WebSockets that were opened. */
  admitted = 0;

  constructor({ port }: Bench) {
    this.#port = port;
  }

  get count(): number {
    return this.#sockets.length;
  }

  /** From one address: to choose another costs the system more than to connect. */
  async add(count: number, first: string): Promise<void> {
    const until = this.count + count;
    while (this.count < until) {
      const some = Array.from({ length: Math.min(400, until - this.count) }, () => this.#one());
      await Promise.all(some.map((socket) => once(socket, "connect")));
      if (first !== "") for (const socket of some) socket.write(first);
    }
  }

  drip(text: string): void {
    for (const socket of this.#sockets) if (socket.bytesWritten > 0) socket.write(text);
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #one(): Socket {
    const socket = rawSocket({ port: this.#port });
    this.#sockets.push(socket);
    this.open += 1;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      if (chunk.toString("latin1").startsWith("HTTP/1.1 101")) this.admitted += 1;
    });
    socket.once("close", () => (this.open -= 1));
    return socket;
  }
}

const patienceMs = 45_000;

attack(
  "E7",
  "slow headers, upgrades that never end, connections that say nothing, 10,000 at once",
  { expect: { act: "request.refused", code: "unreadable" }, timeoutMs: 180_000 },
  async (bench) => {
    const Host = `localhost:${bench.port}`;
    const before = rssMb(bench);
    const slow = new SlowOnes(bench);
    const startedMs = performance.now();
    const head = `POST /auth/pair/start HTTP/1.1\r\nHost: ${Host}\r\nContent-Type: application/json\r\n`;
    const upgrade = upgradeText("/", { Host, Authorization: "Bearer x" });
    await slow.add(300, head);
    await slow.add(300, upgrade.slice(0, -2));
    await slow.add(reachable(10_000) - 600, "");
    const openedMs = Math.round(performance.now() - startedMs);
    const mostOpen = slow.open;
    const drip = setInterval(() => slow.drip("X"), 1_000);
    const over = (): boolean => slow.open === 0 || performance.now() - startedMs > patienceMs;
    const waitMs = await longestWaitMs(() => bench.stillAnswers(), over);
    clearInterval(drip);
    const endedMs = Math.round(performance.now() - startedMs);
    const peak = rssMb(bench);
    slow.end();
    expect(slow.open, "connections that were still open").toBe(0);
    expect(waitMs).toBeLessThan(20_000);
    expect(peak - before).toBeLessThan(400);
    const { count, admitted } = slow;
    return {
      tried: count,
      admitted,
      mostOpen,
      openedMs,
      endedMs,
      waitMs,
      rssMb: `${before} to ${peak}`,
    };
  },
);

const retryAfterOf = ({ headers }: RawAnswer): number => Number(headers["retry-after"] ?? 0);

/** All that came too often were told how long to wait; how many they are. */
function heldBack(answers: readonly RawAnswer[]): number {
  const late = answers.filter(({ status }) => status === 429);
  for (const answer of late) expect(retryAfterOf(answer)).toBeGreaterThan(0);
  return late.length;
}

const many = <T>(count: number, make: () => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, make));

/** A text frame, or a ping, as a client masks it (with nothing). */
function frame(opcode: 0x1 | 0x9, text: string): Buffer {
  const payload = Buffer.from(text);
  if (payload.length > 125) throw new Error("too long for a short frame");
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

/** Sends `frames` copies on one authenticated connection and reads nothing until the end; the bytes that came back. */
async function flood(bench: Bench, token: string, bytes: Buffer, frames: number) {
  const socket = bench.rawSocket();
  socket.on("error", () => {});
  const Authorization = `Bearer ${token}`;
  socket.write(upgradeText("/", { Host: `localhost:${bench.port}`, Authorization }));
  await once(socket, "data");
  const hello = {
    id: 0,
    method: "initialize",
    params: { clientInfo: { name: "f", version: "1" } },
  };
  const text = Buffer.from(JSON.stringify(hello));
  const head = Buffer.from([0x81, 0xfe, text.length >> 8, text.length & 255, 0, 0, 0, 0]);
  socket.write(Buffer.concat([head, text]));
  let received = 0;
  socket.on("data", (chunk: Buffer) => (received += chunk.length));
  const batch = Buffer.concat(Array.from({ length: 1_000 }, () => bytes));
  for (let sent = 0; sent < frames && !socket.destroyed; sent += 1_000) {
    if (!socket.write(batch)) await Promise.race([once(socket, "drain"), once(socket, "close")]);
  }
  return { socket, received: () => received };
}

attack(
  "E8",
  "floods: calls, wrong tokens, challenges, messages, pings; and the same again after a reconnect",
  {
    expect: [
      { act: "request.refused", code: "too_many_requests" },
      { act: "upgrade.refused", code: "too_many_requests" },
      { act: "connect", code: "too_many_attempts" },
    ],
    timeoutMs: 120_000,
  },
  async (bench) => {
    const paired = await bench.pair("admin");
    const other = await bench.pair("operator");
    const token = await bench.token("viewer");
    bench.moveOn();
    const calls = await many(120, () => bench.request("/auth/token/start", { clientId: "x" }));
    const heldCalls = heldBack(calls);
    expect(heldCalls).toBeGreaterThan(0);
    // Every call was a connection of its own: what is counted is not the connection.
    expect(heldBack([await bench.request("/auth/token/start", { clientId: "x" })])).toBe(1);

    bench.moveOn();
    const upgrades = await many(120, () => bench.upgrade({ Authorization: "Bearer x.y.z" }));
    const heldUpgrades = heldBack(upgrades);
    expect(heldUpgrades).toBeGreaterThan(0);
    expect(heldBack([await bench.upgrade({ Authorization: `Bearer ${token}` })])).toBe(1);
    bench.moveOn();
    expect((await bench.upgrade({ Authorization: `Bearer ${token}` })).status).toBe(101);

    // One device from many addresses.
    const challenges: RawAnswer[] = [];
    for (let index = 0; index < 45; index += 1) {
      bench.moveOn();
      challenges.push(await bench.request(ConnectStart.path, {}, { bearer: paired.token }));
    }
    const heldDevice = heldBack(challenges);
    expect(heldDevice).toBeGreaterThan(0);
    expect(new Set(challenges.map(codeOf))).toEqual(new Set(["200", "too_many_attempts"]));
    await bench.connectChallenge(other.token);

    const before = rssMb(bench);
    const headers = { authorization: `Bearer ${token}` };
    const url = `ws://127.0.0.1:${bench.port}/`;
    const honest = await HostClient.initialized(new WebSocket(url, { headers }));
    const list = frame(0x1, '{"id":1,"method":"thread/list","params":{}}');
    const floods = Promise.all([
      flood(bench, token, list, 30_000),
      flood(bench, token, frame(0x9, "ping"), 100_000),
    ]);
    let done = false;
    void floods.then(() => (done = true));
    const waitMs = await longestWaitMs(
      () => honest.call("thread/list"),
      () => done,
    );
    const results = await floods;
    for (const { socket } of results) socket.destroy();
    const peak = rssMb(bench);
    expect(waitMs).toBeLessThan(20_000);
    expect(peak - before).toBeLessThan(300);
    const wrong = [...upgrades, ...calls];
    return {
      tried: wrong.length + challenges.length + 130_000,
      admitted: admittedOf(wrong),
      heldCalls,
      heldUpgrades,
      heldDevice,
      waitMs,
      rssMb: `${before} to ${peak}`,
    };
  },
);
