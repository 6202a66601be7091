/** Clients of hosts in memory, and what their listeners were told. */
import type { ClientListener } from "../../../src/client/farhelm-client.ts";
import { FarhelmClient } from "../../../src/client/farhelm-client.ts";
import { MemoryKeyStore } from "../../../src/client/device-key.ts";
import { pairDevice, type PairingWait } from "../../../src/client/pairing.ts";
import { hostFingerprint, MemoryHost } from "./memory-host.ts";

/** Everything that a listener was told, in order, with a way to wait for more. */
export class Recorder implements ClientListener {
  readonly events: [string, unknown][] = [];
  #waiting: { name: string; resolve: (value: unknown) => void }[] = [];

  stateChanged = (state: { kind: string }): void => this.#note(state.kind, state);
  notified = (notification: unknown): void => this.#note("notified", notification);
  asked = (request: unknown): void => this.#note("asked", request);
  resumed = (answer: unknown): void => this.#note("resumed", answer);
  caughtUp = (threadId: string, missed: number): void => this.#note("caughtUp", [threadId, missed]);
  gap = (threadId: string, reason: string): void => this.#note("gap", [threadId, reason]);
  resumeFailed = (threadId: string, error: Error): void =>
    this.#note("resumeFailed", [threadId, error.message]);

  /** The next event of that name from now on. */
  next(name: string): Promise<unknown> {
    return new Promise((resolve) => this.#waiting.push({ name, resolve }));
  }

  #note(name: string, value: unknown): void {
    this.events.push([name, value]);
    const ready = this.#waiting.filter((one) => one.name === name);
    this.#waiting = this.#waiting.filter((one) => one.name !== name);
    for (const { resolve } of ready) resolve(value);
  }
}

const clients: FarhelmClient[] = [];

/** For `afterEach`. */
export function stopClients(): void {
  for (const client of clients.splice(0)) client.stop();
}

export function clientOf(host: MemoryHost, keyStore = new MemoryKeyStore()) {
  const listener = new Recorder();
  const clientInfo = { name: "test", title: "Test", version: "1" };
  const { origin, post, openSocket } = host;
  const options = { origin, post, openSocket, keyStore, clientInfo, listener, random: () => 0.5 };
  const client = new FarhelmClient(options);
  clients.push(client);
  return { client, listener, keyStore };
}

export async function pairedClient(host = new MemoryHost({ secret: "s3" })) {
  const parts = clientOf(host);
  const { origin, post } = host;
  const steps: string[] = [];
  const waits: PairingWait[] = [];
  const token = await pairDevice({
    origin,
    post,
    keyStore: parts.keyStore,
    way: { secret: "s3" },
    hostFingerprint,
    deviceName: "Phone",
    onStep: (step) => steps.push(step),
    onWait: (wait) => waits.push(wait),
  });
  return { ...parts, host, token, steps, waits };
}

export async function connectedClient(host?: MemoryHost) {
  const parts = await pairedClient(host);
  const connected = parts.listener.next("connected");
  parts.client.start(parts.token);
  await connected;
  return parts;
}
