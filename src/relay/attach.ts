/** `farhelm attach`: this machine as a device of a host, for clients that hold no device key. */
import { join } from "node:path";
import { authCall, Unreachable } from "../client/auth-calls.ts";
import { Credentials } from "../client/credentials.ts";
import { pairDevice, type PairingWait } from "../client/pairing.ts";
import { Refused } from "../client/refused.ts";
import { readAttachAddress, type AttachAddress } from "./attach-address.ts";
import { AttachedDevices, type KnownHost } from "./attached-device.ts";
import { LocalDoor, type Turned } from "./local-door.ts";
import { fetchAuthority, postTo } from "./pinned-host.ts";
import { openUpstream, type Upstream } from "./upstream.ts";

export interface AttachOptions {
  /** A pairing link, or the address of a host that is paired already. */
  readonly address: string;
  readonly farhelmHome: string;
  /** Default: one per host in FARHELM_HOME. Absolute. */
  readonly socketPath: string | undefined;
  readonly deviceName: string;
  /** Ends a pairing that waits. */
  readonly signal: AbortSignal;
  /** An admin of the host must confirm; both show these words. */
  readonly onWait: (wait: PairingWait) => void;
  /** Why a client was not let through. */
  readonly onRefused: (error: Error) => void;
}

export interface Attachment {
  readonly origin: string;
  readonly socketPath: string;
  /** The device was paired just now. */
  readonly isNew: boolean;
  /** Resolves with the host's reason when it lets this device in no more. */
  readonly ended: Promise<Refused>;
  /** Ends the connections and takes the socket away. */
  close(): Promise<void>;
}

/** Pairs where a link was given, and listens. Rejects with `Refused`, `Unreachable`, or an Error with a sentence. */
export async function attach(options: AttachOptions): Promise<Attachment> {
  const address = readAttachAddress(options.address);
  const devices = new AttachedDevices(join(options.farhelmHome, "attach"));
  const host = await knownHost(address, devices, options);
  const socketPath =
    options.socketPath ?? join(options.farhelmHome, "attach", `${fileName(host.origin)}.sock`);
  const relay = new Relay(host, devices, options.onRefused);
  const isChosen = options.socketPath !== undefined;
  const door = new LocalDoor({ path: socketPath, isChosen, open: relay.open, over: relay.over });
  await door.listen();
  return {
    origin: host.origin,
    socketPath,
    isNew: address.link !== undefined,
    ended: relay.ended,
    close: () => {
      relay.stop();
      return door.close();
    },
  };
}

/** A local error of `authCall` hides why the certificate was refused one level down. */
const reasonOf = (error: unknown): unknown =>
  error instanceof Unreachable && error.cause instanceof Refused ? error.cause : error;

async function knownHost(
  { origin, link }: AttachAddress,
  devices: AttachedDevices,
  options: AttachOptions,
): Promise<KnownHost> {
  if (link === undefined) {
    const known = devices.find(origin);
    if (known === undefined) throw notAttached(origin);
    return known;
  }
  const { secret, hostFingerprint, caFingerprint } = link;
  const caPem = caFingerprint && (await fetchAuthority(origin, caFingerprint));
  const host = { origin, hostFingerprint, caPem: caPem === "" ? undefined : caPem };
  const { key, store } = await devices.prepare(host);
  const { deviceName, signal, onWait } = options;
  try {
    const paired = pairDevice({
      origin,
      post: postTo(host),
      keyStore: store,
      way: { secret },
      hostFingerprint,
      deviceName,
      makeKey: async () => key,
      signal,
      onWait,
    });
    await Promise.race([paired, aborted(signal)]);
  } catch (error) {
    throw reasonOf(error);
  }
  return host;
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });

/** One host, as many connections as clients ask for. */
class Relay {
  readonly ended: Promise<Refused>;
  readonly #host: KnownHost;
  readonly #devices: AttachedDevices;
  readonly #credentials: Credentials;
  readonly #onRefused: (error: Error) => void;
  #end: (reason: Refused) => void = () => {};
  #stopped = false;

  constructor(host: KnownHost, devices: AttachedDevices, onRefused: (error: Error) => void) {
    this.#host = host;
    this.#devices = devices;
    this.#onRefused = onRefused;
    this.#credentials = new Credentials(
      { origin: host.origin, post: postTo(host) },
      devices.storeOf(host.hostFingerprint),
    );
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Each connection proves the key anew. */
  readonly open = async (): Promise<Upstream | Turned> => {
    try {
      return await openUpstream(this.#host, await this.#credentials.ticket());
    } catch (caught) {
      const error = reasonOf(caught);
      if (isFinal(error)) this.#end(error);
      else this.#onRefused(error instanceof Error ? error : new Error(String(error)));
      return turnedBy(error);
    }
  };

  /** A connection may be over because the device may come in no more: asks, so that nobody finds out later. */
  readonly over = (): void => {
    if (!this.#stopped) void this.#ask();
  };

  stop(): void {
    this.#stopped = true;
  }

  async #ask(): Promise<void> {
    try {
      const device = await this.#devices.load(this.#host.hostFingerprint);
      const clientId = device?.clientId ?? "";
      const host = { origin: this.#host.origin, post: postTo(this.#host) };
      await authCall(host, "/auth/token/start", { clientId });
    } catch (error) {
      if (isFinal(error)) this.#end(error);
    }
  }
}

/** The host knows who asks, and has taken the access away. Everything else may pass. */
const finalCodes: ReadonlySet<string> = new Set([
  "device_revoked",
  "device_unknown",
  "device_expired",
]);

const isFinal = (error: unknown): error is Refused =>
  error instanceof Refused && finalCodes.has(error.code);

function turnedBy(error: unknown): Turned {
  if (error instanceof Refused) {
    const status = error.status >= 400 && error.status < 600 ? error.status : 502;
    return { status, text: `${error.message} ${error.nextStep}` };
  }
  return {
    status: 502,
    text: error instanceof Error ? error.message : "The host cannot be reached.",
  };
}

const notAttached = (origin: string): Refused =>
  new Refused(0, {
    code: "not_attached",
    message: `This machine is not a device of ${origin} yet.`,
    nextStep:
      "Run `npx farhelm pair` on the host, and here `npx farhelm attach` with the link that it prints, in quotes.",
  });

/** Host and port, with nothing that a file name may not have. */
const fileName = (origin: string): string =>
  new URL(origin).host.replaceAll(/[^\w.-]+/g, "-").replace(/^-+/, "");
