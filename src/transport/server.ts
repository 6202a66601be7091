/** The host's outer shell: one TCP server for pages, calls and WebSockets, and control.sock beside it. */
import type { FastifyInstance } from "fastify";
import type { Server } from "node:http";
import { Server as TlsServer } from "node:https";
import { by, hostActor } from "../audit/port.ts";
import { AllowedOrigins } from "./allowed-origins.ts";
import { Connections } from "./connections.ts";
import { ControlSocket } from "./control-socket.ts";
import type { Counters } from "./counters.ts";
import { newCounters } from "./counters.ts";
import { Door } from "./door.ts";
import { httpApp } from "./http-app.ts";
import { httpServer } from "./http-server.ts";
import type { TlsKeys, TransportOptions, TransportPorts } from "./options.ts";
import { defaultCaps, defaultPingIntervalMs, defaultTimeouts } from "./options.ts";
import { isLoopback } from "./peer.ts";
import { RefusalLog } from "./refusal-log.ts";
import { Upgrades } from "./upgrades.ts";

export interface Transport {
  /**
   * Opens control.sock and the port. `url`: the canonical origin. Rejects with an Error whose message says what to do:
   * an address that needs TLS, a port that is taken, another host on this home.
   */
  listen(): Promise<{ readonly url: string; readonly port: number }>;
  /** Closes sessions with 1001, then every socket; done within about `timeouts.closeMs`. */
  close(): Promise<void>;
  /** New keys for new connections. */
  renewTls(tls: TlsKeys): void;
  readonly counters: Readonly<Counters>;
}

/** Throws an Error with a sentence when a name among the options is none. */
export function createTransport(options: TransportOptions, ports: TransportPorts): Transport {
  return new HostTransport(options, ports);
}

class HostTransport implements Transport {
  readonly counters = newCounters();
  readonly #options: TransportOptions;
  readonly #ports: TransportPorts;
  readonly #origins: AllowedOrigins;
  readonly #door: Door;
  readonly #refusals: RefusalLog;
  readonly #connections: Connections;
  readonly #upgrades: Upgrades;
  readonly #control: ControlSocket | undefined;
  readonly #timeouts;
  readonly #caps;
  #app: FastifyInstance | undefined;
  #servers: Server[] = [];
  #stopListening: (() => void) | undefined;

  constructor(options: TransportOptions, ports: TransportPorts) {
    this.#options = options;
    this.#ports = ports;
    this.#timeouts = { ...defaultTimeouts, ...options.timeouts };
    this.#caps = { ...defaultCaps, ...options.caps };
    this.#origins = new AllowedOrigins({
      tls: options.tls !== undefined,
      allowedHosts: options.allowedHosts ?? [],
      ...(options.publicOrigin !== undefined && { publicOrigin: options.publicOrigin }),
    });
    this.#door = new Door(this.#origins, options.trustedProxies ?? []);
    this.#refusals = new RefusalLog(ports.log, this.counters, ports.audit);
    const shared = { ...ports, counters: this.counters, caps: this.#caps };
    const pingIntervalMs = options.pingIntervalMs ?? defaultPingIntervalMs;
    this.#connections = new Connections({ ...shared, pingIntervalMs });
    this.#upgrades = new Upgrades({
      ...shared,
      door: this.#door,
      connections: this.#connections,
      refusals: this.#refusals,
      timeouts: this.#timeouts,
    });
    if (options.controlSocketPath !== undefined) {
      this.#control = new ControlSocket(options.controlSocketPath, this.#upgrades);
    }
  }

  async listen(): Promise<{ readonly url: string; readonly port: number }> {
    const { host, port, tls } = this.#options;
    if (tls === undefined && !isLoopback(host)) {
      const entry = { outcome: "denied" as const, code: "tls_needed", about: { listen: host } };
      this.#ports.audit.add({ act: "host.start", ...entry, ...by(hostActor) });
      throw new Error(needsTls(host));
    }
    await this.#control?.listen();
    const app = await this.#makeApp();
    try {
      await app.listen({ host, port, listenTextResolver: () => "" });
    } catch (error) {
      await this.close();
      throw listenError(error, host, port);
    }
    const bound = app.server.address();
    const boundPort = typeof bound === "object" && bound ? bound.port : port;
    this.#origins.settle(boundPort);
    this.#stopListening = this.#ports.gatekeeper.onEnd((id, reason) => {
      this.#upgrades.ended(id);
      const { close, message } = ends[reason];
      this.#ports.sessions.end(id, close, message);
    });
    return { url: this.#origins.canonical, port: boundPort };
  }

  async close(): Promise<void> {
    this.#upgrades.close();
    await this.#app?.close();
    // Also when the app was never made: the heartbeat's timer ends here.
    await this.#connections.end(0);
    await this.#control?.close();
    this.#stopListening?.();
    this.#stopListening = undefined;
  }

  renewTls(tls: TlsKeys): void {
    for (const server of this.#servers) {
      if (server instanceof TlsServer) server.setSecureContext({ ...tls });
    }
  }

  async #makeApp(): Promise<FastifyInstance> {
    const app = await httpApp({
      ...this.#ports,
      transport: this.#options,
      authCallsPerMinute: this.#caps.authCallsPerMinute,
      origins: this.#origins,
      door: this.#door,
      refusals: this.#refusals,
      makeServer: (handler) => this.#makeServer(handler),
    });
    app.addHook("preClose", async () => {
      const untilMs = Date.now() + this.#timeouts.closeMs;
      await Promise.race([this.#ports.sessions.closeAll(), after(this.#timeouts.closeMs)]);
      await this.#connections.end(Math.max(0, untilMs - Date.now()));
    });
    // On the main server only: Fastify hands on the upgrades of those that it makes beside it for `localhost`.
    app.server.on("upgrade", this.#upgrades.overTcp);
    this.#app = app;
    return app;
  }

  #makeServer(handler: Parameters<typeof httpServer>[1]): Server {
    const server = httpServer(
      {
        tls: this.#options.tls,
        timeouts: this.#timeouts,
        caps: this.#caps,
        door: this.#door,
        refusals: this.#refusals,
      },
      handler,
    );
    this.#servers.push(server);
    return server;
  }
}

const ends = {
  revoked: {
    close: "revoked",
    message: "this access was revoked; pair the device again, or ask an admin of the host",
  },
  expired: { close: "expired", message: "this access has expired; renew it" },
  tokenExpired: { close: "expired", message: "the token has expired; connect with a new one" },
  keyRemoved: {
    close: "expired",
    message: "the token's issuer does not vouch for its key any more; connect with a new token",
  },
  changed: {
    close: "accessChanged",
    message: "what this access allows has changed; connect again",
  },
  restored: {
    close: "hostRestored",
    message: "the host was restored from a backup; an admin must confirm it on the host",
  },
} as const;

const after = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });

const needsTls = (host: string): string =>
  `refusing to listen on ${host} without TLS: use \`--lan\`, which makes a certificate, or keep \`--listen 127.0.0.1:PORT\` behind a TLS proxy and name it with \`--public-origin https://NAME\``;

function listenError(error: unknown, host: string, port: number): Error {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const sentences: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} on ${host} is taken: stop what uses it, or choose another with \`--listen ${host}:PORT\``,
    EACCES: `not allowed to listen on port ${port}: choose one above 1023 with \`--listen ${host}:PORT\``,
    EADDRNOTAVAIL: `${host} is not an address of this machine: choose another with \`--listen ADDRESS:PORT\``,
    ENOTFOUND: `${host} is not an address of this machine: choose another with \`--listen ADDRESS:PORT\``,
  };
  const sentence = typeof code === "string" ? sentences[code] : undefined;
  return new Error(sentence ?? `cannot listen on ${host}:${port}: see the cause`, { cause: error });
}
