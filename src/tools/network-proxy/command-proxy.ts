/**
 * The proxy of one command: it takes plain HTTP requests with a whole URL, and CONNECT. What it forwards it makes anew from what
 * it understood, so that nothing else of a request's bytes reaches a host.
 */
import { createServer, request as send } from "node:http";
import type { IncomingMessage, Server as HttpServer, ServerResponse } from "node:http";
import { connect, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream";
import { type Target, targetOf } from "../../permissions/host-address.ts";
import type { HostQuestion } from "../port.ts";
import type { ProxiedNetwork } from "../sandbox/port.ts";
import { type Destination, destinationOf, type Guide } from "./destination.ts";
import { forwardedHeaders, hasBody, returnedHeaders } from "./message-headers.ts";
import { proxyEnvironment } from "./proxy-environment.ts";
import { NetworkRefusal, refusalParts } from "./refusal.ts";

export interface CommandProxyOptions extends Guide {
  /** Called with what was refused, and to which host; undefined: none that was understood. */
  readonly onRefused?: ((refusal: NetworkRefusal, target: Target | undefined) => void) | undefined;
}

/** A browser opens six to a host; a package manager some fifty in all. */
const maxConnections = 128;
const maxHeaderBytes = 32 * 1024;
const connectTimeoutMs = 30_000;
/** Nothing was sent either way. Longer than a question waits for its answer. */
const idleTimeoutMs = 15 * 60_000;
const readingMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

export class CommandProxy implements ProxiedNetwork {
  readonly #options: CommandProxyOptions;
  readonly #http: HttpServer;
  readonly #sockets = new Set<Duplex>();
  #listener: Server | undefined;
  readonly #end = new AbortController();

  constructor(options: CommandProxyOptions) {
    this.#options = options;
    this.#http = createServer(
      { maxHeaderSize: maxHeaderBytes },
      (request, response) => void this.#forward(request, response),
    );
    this.#http.on("connect", (request, socket, head) => void this.#tunnel(request, socket, head));
    this.#http.timeout = idleTimeoutMs;
  }

  environment(port: number): Readonly<Record<string, string>> {
    return proxyEnvironment(port, this.#options.rules());
  }

  serve(listener: Server): void {
    this.#listener = listener;
    Object.assign(listener, { maxConnections, allowHalfOpen: true });
    listener.on("connection", (socket: Socket) => {
      if (this.#hold(socket)) this.#http.emit("connection", socket);
    });
  }

  /** Ends everything that goes through it. */
  close(): void {
    this.#end.abort();
    this.#listener?.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#http.close();
  }

  /** Keeps count of it until its end. False: the command has ended. */
  #hold(socket: Duplex): boolean {
    socket.on("error", () => socket.destroy());
    if (this.#end.signal.aborted) {
      socket.destroy();
      return false;
    }
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    return true;
  }

  async #forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const isWhole = request.httpVersion.startsWith("1.");
    const url = isWhole ? wholeUrl(request.url ?? "") : undefined;
    const target = url && targetOf(url.host, 80);
    try {
      if (!url || !target) throw new NetworkRefusal("network_request_invalid");
      const destination = await this.#admit(target, "http", request.method ?? "");
      if (!response.destroyed) await this.#exchange(request, response, url, destination);
    } catch (error) {
      this.#refuseRequest(error, target, request, response);
    }
  }

  #exchange(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    { host, port, lookup }: Destination,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const upstream = send({
        host,
        port,
        lookup,
        agent: false,
        setHost: false,
        method: request.method,
        path: `${url.pathname}${url.search}`,
        headers: forwardedHeaders(request, url.host),
        maxHeaderSize: maxHeaderBytes,
        timeout: idleTimeoutMs,
      });
      upstream.once("socket", (socket) => this.#hold(socket));
      upstream.once("timeout", () => upstream.destroy());
      const fail = (cause: unknown): void => {
        upstream.destroy();
        reject(new NetworkRefusal("network_unreachable", cause));
      };
      upstream.on("error", fail);
      // nobody asked for another protocol
      upstream.once("upgrade", (_, socket) => {
        socket.destroy();
        fail(undefined);
      });
      upstream.once("response", (answer) => {
        try {
          // the reason phrase may hold anything, and says nothing
          response.writeHead(answer.statusCode ?? 0, returnedHeaders(answer));
        } catch (error) {
          fail(error);
          return;
        }
        pipeline(answer, response, () => resolve());
      });
      response.once("close", () => {
        upstream.destroy();
        resolve();
      });
      if (hasBody(request)) request.pipe(upstream);
      else upstream.end();
    });
  }

  async #tunnel(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { url = "", httpVersion } = request;
    const isWhole = httpVersion.startsWith("1.") && /:\d+$/.test(url);
    const target = isWhole ? targetOf(url, 0) : undefined;
    try {
      if (!target) throw new NetworkRefusal("network_request_invalid");
      const upstream = await this.#connected(await this.#admit(target, "https", "CONNECT"));
      if (!this.#hold(upstream)) return;
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.write(head);
      join(socket, upstream);
    } catch (error) {
      this.#refuseTunnel(this.#refusalOf(error, target), socket);
    }
  }

  #connected({ host, port, lookup }: Destination): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, lookup, allowHalfOpen: true });
      const fail = (cause?: unknown): void => {
        socket.destroy();
        reject(new NetworkRefusal("network_unreachable", cause));
      };
      const timer = setTimeout(fail, connectTimeoutMs);
      socket.once("error", fail);
      socket.once("close", () => clearTimeout(timer));
      socket.once("connect", () => {
        clearTimeout(timer);
        socket.off("error", fail);
        socket.setTimeout(idleTimeoutMs, () => socket.destroy());
        resolve(socket);
      });
    });
  }

  /** Rejects with `NetworkRefusal`. */
  async #admit(
    target: Target,
    protocol: HostQuestion["protocol"],
    method: string,
  ): Promise<Destination> {
    if (this.#options.rules().readsOnly && !readingMethods.has(method))
      throw new NetworkRefusal("network_method_refused");
    const question = { ...target, protocol };
    const destination = await destinationOf(question, this.#options, this.#end.signal);
    if (this.#end.signal.aborted) throw new NetworkRefusal("network_unreachable");
    return destination;
  }

  #refusalOf(error: unknown, target: Target | undefined): NetworkRefusal {
    const refusal =
      error instanceof NetworkRefusal ? error : new NetworkRefusal("network_unreachable", error);
    this.#options.onRefused?.(refusal, target);
    return refusal;
  }

  #refuseRequest(
    error: unknown,
    target: Target | undefined,
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    const { status, reason, headers, body } = refusalParts(this.#refusalOf(error, target));
    if (response.destroyed || response.headersSent) {
      response.destroy();
      return;
    }
    request.resume();
    response.writeHead(status, reason, { ...headers });
    response.end(request.method === "HEAD" ? undefined : body);
  }

  #refuseTunnel(refusal: NetworkRefusal, socket: Duplex): void {
    const { status, reason, headers, body } = refusalParts(refusal);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${status} ${reason}\r\n${lines.join("")}\r\n${body}`);
    socket.resume();
  }
}

/** Each side ends when the other has; neither is read faster than the other takes it. */
function join(one: Duplex, other: Duplex): void {
  one.once("close", () => other.destroy());
  other.once("close", () => one.destroy());
  if (one.destroyed) other.destroy();
  one.pipe(other).pipe(one);
}

/** As a client of a proxy writes it; nothing but http, and nobody's name in it. */
function wholeUrl(text: string): URL | undefined {
  if (!/^http:\/\/[^/]/i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.username === "" && url.password === "" ? url : undefined;
}
