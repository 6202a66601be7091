/** What transport is told from outside, and the limits that hold where nothing else is said. */
import type { Audit } from "../audit/port.ts";
import type { AuthApi, Gatekeeper } from "../auth/port.ts";
import type { Sessions } from "../session/port.ts";
import type { Log } from "./log.ts";

export interface TlsKeys {
  /** Private key, PEM. */
  readonly key: string;
  /** Certificate and chain, PEM. */
  readonly cert: string;
}

export interface TransportOptions {
  /** An address or `localhost`. Without `tls` it must be loopback. */
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly tls?: TlsKeys;
  /** The certificate of the authority behind `tls`, PEM; served at `/ca.crt`. */
  readonly caPem?: string;
  /** The one origin under which pages are shown, for example `https://box.example.com`. Default: `localhost` with this port. */
  readonly publicOrigin?: string;
  /**
   * Further names: `name` or an address (this port directly, or 443 behind a TLS proxy), `name:port`, or a whole origin.
   */
  readonly allowedHosts?: readonly string[];
  /** Exact addresses of the proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies?: readonly string[];
  /** The built dashboard. May be absent: then `/` says how to build it. */
  readonly dashboardDir?: string;
  /** Where control.sock is made; absent: no control socket. */
  readonly controlSocketPath?: string;
  /** How often the server pings each connection. Default 20 s. */
  readonly pingIntervalMs?: number;
  readonly timeouts?: Partial<Timeouts>;
  readonly caps?: Partial<Caps>;
}

export interface Timeouts {
  /** From the first byte of a connection to the end of its request's headers. */
  readonly headersMs: number;
  /** From the first byte to the end of the request's body. */
  readonly requestMs: number;
  /** From the upgrade request to its answer. */
  readonly upgradeMs: number;
  /** How long `close()` waits for sockets before it cuts them. */
  readonly closeMs: number;
}

export interface Caps {
  /** Upgrades that wait for authentication, all together. */
  readonly halfOpen: number;
  /** WebSockets of one address; direct loopback peers share one and are exempt. */
  readonly connectionsPerAddress: number;
  readonly connections: number;
  /** Calls of `/auth/*`, and refused upgrades, of one address in a minute. */
  readonly authCallsPerMinute: number;
}

export interface TransportPorts {
  readonly gatekeeper: Gatekeeper;
  readonly authApi: AuthApi;
  readonly sessions: Sessions;
  readonly log: Log;
  readonly audit: Audit;
}

export const defaultPingIntervalMs = 20_000;

export const defaultTimeouts: Timeouts = {
  headersMs: 10_000,
  requestMs: 30_000,
  upgradeMs: 10_000,
  closeMs: 4_000,
};

export const defaultCaps: Caps = {
  halfOpen: 512,
  connectionsPerAddress: 256,
  connections: 10_000,
  authCallsPerMinute: 60,
};
