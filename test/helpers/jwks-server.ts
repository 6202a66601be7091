/** An issuer's key server on loopback that does whatever a test tells it to, and counts how often it is asked. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import { gzipSync } from "node:zlib";

export type JwksAnswer = (response: ServerResponse, request: IncomingMessage) => void;

const servers = new Set<JwksServer>();

export class JwksServer {
  readonly #server = createServer((request, response) => {
    this.#asked += 1;
    this.paths.push(request.url ?? "");
    this.answer(response, request);
  });
  readonly paths: string[] = [];
  #asked = 0;
  answer: JwksAnswer;

  private constructor(answer: JwksAnswer) {
    this.answer = answer;
  }

  static async start(answer: JwksAnswer): Promise<JwksServer> {
    const started = new JwksServer(answer);
    started.#server.listen(0, "127.0.0.1");
    await once(started.#server, "listening");
    servers.add(started);
    return started;
  }

  get url(): string {
    const bound = this.#server.address();
    if (bound === null || typeof bound === "string") throw new Error("the server does not listen");
    return `http://127.0.0.1:${bound.port}/keys`;
  }

  /** Requests until now. */
  get asked(): number {
    return this.#asked;
  }

  /** Nobody answers there any more. */
  async stop(): Promise<void> {
    servers.delete(this);
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** For `afterEach`. */
export async function stopJwksServers(): Promise<void> {
  for (const server of servers) await server.stop();
}

/** A key set as it should be. */
export const keysAnswer =
  (keys: readonly object[], cacheControl?: string): JwksAnswer =>
  (response) => {
    response.setHeader("content-type", "application/jwk-set+json");
    if (cacheControl !== undefined) response.setHeader("cache-control", cacheControl);
    response.end(JSON.stringify({ keys }));
  };

export const statusAnswer =
  (status: number): JwksAnswer =>
  (response) => {
    response.writeHead(status).end("{}");
  };

export const redirectAnswer =
  (location: string, status = 302): JwksAnswer =>
  (response) => {
    response.writeHead(status, { location }).end();
  };

/** Begins an answer, and never ends it. */
export const stuckAnswer: JwksAnswer = (response) => {
  response.write('{"keys":[');
};

/** Accepts the request, and says nothing at all. */
export const silentAnswer: JwksAnswer = () => {};

/** A valid set with `bytes` of padding, written in pieces as fast as they are taken. */
export const largeAnswer =
  (keys: readonly object[], bytes: number): JwksAnswer =>
  (response) => {
    const text = Buffer.from(JSON.stringify({ padding: "x".repeat(bytes), keys }));
    response.writeHead(200, { "content-length": text.length });
    response.end(text);
  };

/** The same, a thousand times smaller on the wire. */
export const gzipBombAnswer =
  (keys: readonly object[], bytes: number): JwksAnswer =>
  (response) => {
    const text = JSON.stringify({ padding: "x".repeat(bytes), keys });
    response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(text));
  };

export const textAnswer =
  (text: string): JwksAnswer =>
  (response) => {
    response.writeHead(200, { "content-type": "application/json" }).end(text);
  };
