/** A command's proxy on a port of this machine, and servers that it leads to under any name. */
import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { rawSocket } from "./raw-http.ts";
import type { NetworkRules } from "../../src/permissions/network-rules.ts";
import {
  CommandProxy,
  type CommandProxyOptions,
} from "../../src/tools/network-proxy/command-proxy.ts";

/** Names lead to this machine, which is where a test's servers are. */
export const testRules: NetworkRules = {
  allowed: ["site.test"],
  denied: [],
  reviewed: [],
  allowsLocal: true,
  readsOnly: false,
  isClosed: false,
};

export interface RunningProxy {
  readonly port: number;
  readonly proxy: CommandProxy;
  /** Codes and hosts of what was refused. */
  readonly refused: readonly string[];
}

export async function startProxy(
  options: Partial<Omit<CommandProxyOptions, "rules">> & { readonly rules?: NetworkRules } = {},
): Promise<RunningProxy> {
  const { rules = testRules, ...rest } = options;
  const refused: string[] = [];
  const proxy = new CommandProxy({
    rules: () => rules,
    ask: async () => "closed",
    resolve: async () => ["127.0.0.1"],
    onRefused: ({ code }, target) => void refused.push(`${code} ${target?.host}`),
    ...rest,
  });
  const listener = createServer();
  proxy.serve(listener);
  const port = await listen(listener);
  onTestFinished(() => proxy.close());
  return { port, proxy, refused };
}

/** Asks for a tunnel; gives its connection, and what was said first. */
export async function openTunnel(
  port: number,
  target: string,
): Promise<{ readonly socket: Socket; readonly said: string }> {
  const socket = rawSocket({ port });
  onTestFinished(() => void socket.destroy());
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
  const said = await new Promise<string>((resolve, reject) => {
    socket.once("data", (chunk: Buffer) => resolve(chunk.toString()));
    socket.once("close", () => reject(new Error("the tunnel ended")));
  });
  return { socket, said };
}

/** Closed with the test, with all its connections. */
export async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return portOf(server.address());
}

const portOf = (address: AddressInfo | string | null): number =>
  address !== null && typeof address === "object" ? address.port : 0;

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
}

/** A web server that keeps what it was asked, and answers each request with its path. */
export async function startSite(): Promise<{
  readonly port: number;
  readonly seen: readonly Seen[];
}> {
  const seen: Seen[] = [];
  const server = createHttpServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on("end", () => {
      const { method = "", url: path = "" } = request;
      const headers = Object.fromEntries(
        Object.entries(request.headersDistinct).map(([name, values]) => [name, values ?? []]),
      );
      seen.push({ method, path, headers, body });
      const answer = `site ${path}\n`;
      response.writeHead(200, {
        "content-length": answer.length,
        "set-cookie": ["a=1", "b=2"],
        connection: "x-hop",
        "x-hop": "1",
      });
      response.end(answer);
    });
  });
  return { port: await listen(server), seen };
}
