/** Whoever comes back and is not let in any more: told why, finally, and not heard of again. */
import { setTimeout as delay } from "node:timers/promises";
import { expect, vi } from "vitest";
import type { RawData } from "ws";
import { WebSocket } from "ws";
import type { HttpPost } from "../../src/client/auth-calls.ts";
import type { OpenSocket } from "../../src/client/client-socket.ts";
import { MemoryKeyStore } from "../../src/client/device-key.ts";
import { FarhelmClient } from "../../src/client/farhelm-client.ts";
import { pairDevice } from "../../src/client/pairing.ts";
import { retryDelayMs } from "../../src/client/retry-delay.ts";
import { attach } from "../../src/relay/attach.ts";
import { FaultProxy } from "../helpers/fault-proxy.ts";
import { attack } from "./attack.ts";
import type { Bench } from "./bench.ts";

const limitMs = { timeout: 30_000, interval: 5 };
const nothing = (): void => {};

/** The program's own client behind a line that can be cut, and how often it asked for anything. */
class Returning {
  readonly proxy: FaultProxy;
  readonly client: FarhelmClient;
  posts = 0;
  sockets = 0;

  private constructor(bench: Bench, proxy: FaultProxy, keyStore: MemoryKeyStore) {
    this.proxy = proxy;
    const post: HttpPost = (url, init) => {
      this.posts += 1;
      return fetch(url, init);
    };
    const openSocket: OpenSocket = (url, protocols, listener) => {
      this.sockets += 1;
      const through = url.replace(/^ws:\/\/[^/]+/, `ws://127.0.0.1:${proxy.port}`);
      const headers = { host: `localhost:${bench.port}` };
      const socket = new WebSocket(through, [...protocols], { origin: bench.url, headers });
      socket.on("open", () => listener.opened());
      socket.on("message", (data: RawData) => {
        if (Buffer.isBuffer(data)) listener.received(data.toString());
      });
      socket.on("error", nothing);
      socket.on("close", (code, reason) => listener.closed(code, reason.toString()));
      return {
        send: (text) => socket.send(text, nothing),
        close: (code, reason) => socket.close(code, reason),
      };
    };
    this.client = new FarhelmClient({
      origin: bench.url,
      post,
      openSocket,
      keyStore,
      clientInfo: { name: "returning", title: "Returning", version: "1" },
      listener: {
        stateChanged: nothing,
        notified: nothing,
        asked: nothing,
        resumed: nothing,
        caughtUp: nothing,
        gap: nothing,
        resumeFailed: nothing,
      },
    });
  }

  static async connected(bench: Bench): Promise<Returning & { readonly clientId: string }> {
    const { id, secret } = await bench.offer("operator");
    const keyStore = new MemoryKeyStore();
    const pairing = pairDevice({
      origin: bench.url,
      post: fetch,
      keyStore,
      way: { secret },
      deviceName: "returning",
    });
    await bench.confirm(id);
    const token = await pairing;
    const proxy = await FaultProxy.start(bench.port);
    const returning = new Returning(bench, proxy, keyStore);
    returning.client.start(token);
    await vi.waitUntil(() => returning.client.state.kind === "connected", limitMs);
    const clientId = (await keyStore.load())?.clientId ?? "";
    return Object.assign(returning, { clientId });
  }

  away(): void {
    this.proxy.refuse();
    this.proxy.cut();
  }

  /** How it ended, once it has given up; whatever happens to it then. */
  async end(): Promise<string> {
    await vi.waitUntil(() => this.client.state.kind === "signedOut", limitMs);
    const before = this.posts + this.sockets;
    this.client.wake();
    this.client.networkChanged(false);
    this.client.networkChanged(true);
    // Longer than any of its first waits.
    await delay(2 * retryDelayMs(1, 1));
    if (this.posts + this.sockets > before) throw new Error("it asked again after it was refused");
    const { state } = this.client;
    this.client.stop();
    await this.proxy.close();
    return state.kind === "signedOut" ? state.reason.code : state.kind;
  }
}

attack(
  "F15",
  "coming back with an access that was taken away meanwhile: the client, and `farhelm attach`",
  {
    expect: [
      { act: "connect", code: "device_revoked" },
      { act: "token.renew", code: "device_revoked" },
    ],
    timeoutMs: 120_000,
  },
  async (bench) => {
    const admin = await bench.admin();
    // The first device of a host is let in by itself.
    await bench.pair("admin");
    const codes: string[] = [];
    const offline = await Returning.connected(bench);
    offline.away();
    await admin.call("farhelm/devices/revoke", { id: offline.clientId });
    offline.proxy.heal();
    codes.push(await offline.end());
    const online = await Returning.connected(bench);
    await admin.call("farhelm/devices/revoke", { id: online.clientId });
    codes.push(await online.end());
    // What may pass is waited out: a line that is cut is no refusal.
    const patient = await Returning.connected(bench);
    patient.away();
    await expect.poll(() => patient.client.state.kind, limitMs).toBe("waiting");
    patient.proxy.heal();
    patient.client.wake();
    await expect.poll(() => patient.client.state.kind, limitMs).toBe("connected");
    patient.client.stop();
    await patient.proxy.close();

    const { id, url } = await bench.offer("operator");
    const refused: Error[] = [];
    const attaching = attach({
      address: url,
      farhelmHome: `${bench.homes.root}/laptop`,
      socketPath: undefined,
      deviceName: "laptop",
      signal: new AbortController().signal,
      onWait: () => undefined,
      onRefused: (error) => void refused.push(error),
    });
    await bench.confirm(id);
    const attachment = await attaching;
    const { data: devices } = await admin.call("farhelm/devices/list");
    const rows: unknown[] = Array.isArray(devices) ? devices : [];
    const laptop = rows.find((row) => Object(row)["name"] === "laptop");
    await admin.call("farhelm/devices/revoke", { id: Object(laptop)["id"] });
    const local = new WebSocket(`ws+unix://${attachment.socketPath}:/rpc`);
    const status = await new Promise((resolve) => {
      local.on("error", () => undefined);
      local.once("unexpected-response", (_request, { statusCode }) => resolve(statusCode));
      local.once("open", () => resolve("open"));
    });
    codes.push((await attachment.ended).code);
    await attachment.close();
    expect(codes.map((code) => code.replace("device_", ""))).toEqual(codes.map(() => "revoked"));
    return {
      tried: 3,
      admitted: status === "open" ? 1 : 0,
      status: String(status),
      codes: codes.join(),
    };
  },
);
