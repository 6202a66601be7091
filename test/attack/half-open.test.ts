/** Lines on which packets are lost and nobody is told. The intervals are those of a host as it is started; their clock is ours. */
import { beforeAll, afterAll, expect, vi } from "vitest";
import { WebSocket } from "ws";
import { FaultProxy } from "../helpers/fault-proxy.ts";
import { HostClient } from "../helpers/running-host.ts";
import { auditLines } from "./audit-lines.ts";
import { fault } from "./attack.ts";
import type { Bench } from "./bench.ts";

// Sockets and everything that waits once go by the real clock; the heartbeat's wheel is turned by hand.
beforeAll(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterAll(() => {
  vi.useRealTimers();
});

interface Lined {
  readonly name: string;
  readonly proxy: FaultProxy;
  readonly client: HostClient;
  readonly announcedMs: number;
}

async function lined(bench: Bench, name: string): Promise<Lined> {
  const proxy = await FaultProxy.start(bench.port);
  const admin = await bench.admin();
  const params = { name, role: "operator", ttlMs: 600_000 };
  const { token } = await admin.call("farhelm/token/issue", params);
  const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/`, {
    headers: { authorization: `Bearer ${String(token)}`, host: `localhost:${bench.port}` },
  });
  let announcedMs = 0;
  socket.once("upgrade", ({ headers }) => {
    announcedMs = Number(headers["x-farhelm-ping-interval-ms"]);
  });
  const client = await HostClient.initialized(socket);
  return { name, proxy, client, announcedMs };
}

/** The names of those whose session has ended, as the host wrote it down. */
const endedIn = (bench: Bench, names: readonly string[]): readonly string[] =>
  auditLines(bench.farhelmHome).flatMap(({ act, who }) => {
    const name = String(Object(who)["name"]);
    return act === "session.close" && names.includes(name) ? name : [];
  });

/** As many as the wheel of the heartbeat has places. */
const turns = 8;

fault(
  "F3",
  "six lines fall silent, two before and two after a ping; six others do not",
  { timeoutMs: 120_000 },
  async (bench) => {
    const silent: Lined[] = [];
    const healthy: Lined[] = [];
    for (let at = 0; at < 6; at += 1) {
      silent.push(await lined(bench, `silent ${at}`));
      healthy.push(await lined(bench, `healthy ${at}`));
    }
    const all = [...silent, ...healthy];
    const intervalMs = all[0]?.announcedMs ?? 0;
    expect(all.map(({ announcedMs }) => announcedMs)).toEqual(all.map(() => 20_000));
    const names = all.map(({ name }) => name);
    /** How many turns of the wheel after its line fell silent each was found. */
    const foundAfter = new Map<string, number>();
    const silentSince = new Map<string, number>();
    for (let turn = 0; turn < 5 * turns; turn += 1) {
      const next = turn % 3 === 0 ? silent[silentSince.size] : undefined;
      if (next !== undefined) {
        next.proxy.swallow();
        silentSince.set(next.name, turn);
      }
      vi.advanceTimersByTime(intervalMs / turns);
      // An answer comes behind the ping and the pong before it.
      for (const { client } of healthy) await client.call("thread/loaded/list");
      for (const name of endedIn(bench, names)) {
        if (!foundAfter.has(name)) foundAfter.set(name, turn + 1 - (silentSince.get(name) ?? NaN));
      }
    }
    await expect.poll(() => endedIn(bench, names).length).toBeGreaterThanOrEqual(6);
    const late = silent.filter(({ name }) => !((foundAfter.get(name) ?? NaN) <= 2 * turns));
    const wrong = healthy.filter(({ name }) => foundAfter.has(name));
    for (const { proxy } of all) await proxy.close();
    const worst = (Math.max(...foundAfter.values()) / turns) * intervalMs;
    return { tried: all.length, astray: late.length + wrong.length, intervalMs, worstMs: worst };
  },
);
