/** Servers of strangers: a page that belongs to nobody here, and a host that lets everybody do everything. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { RequestListener, Server } from "node:http";
import { createServer } from "node:http";
import { join } from "node:path";
import { WebSocketServer } from "ws";

export interface Serving {
  readonly server: Server;
  readonly port: number;
  close(): void;
}

export async function serve(answer: RequestListener): Promise<Serving> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { server, port: address.port, close };
}

const script = readFileSync(join(import.meta.dirname, "../helpers/foreign-page.mjs"), "utf8");

/** The page that tries every way by which a page can reach a host. */
export const foreignPage: RequestListener = ({ url }, response) => {
  const isScript = url === "/page.js";
  response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
  response.end(isScript ? script : '<!doctype html><body><script src="/page.js"></script>');
};

const openAnswer: RequestListener = ({ headers, method }, response) => {
  const asked = headers["sec-fetch-dest"];
  const types: Record<string, string> = { image: "image/svg+xml", script: "text/javascript" };
  response.writeHead(200, {
    "content-type":
      headers.accept === "text/event-stream"
        ? "text/event-stream"
        : asked === "style"
          ? "text/css"
          : (types[String(asked)] ?? "text/html"),
    "access-control-allow-origin": headers.origin ?? "*",
    "access-control-allow-credentials": "true",
    "access-control-allow-headers": "content-type",
  });
  const image = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>';
  response.end(asked === "image" ? image : method === "OPTIONS" ? "" : "\n");
};

/** What a page must be able to notice; with the headers of everything that came. */
export async function serveOpenly(): Promise<Serving & { readonly seen: readonly string[] }> {
  const seen: string[] = [];
  const serving = await serve((request, response) => {
    seen.push(JSON.stringify([request.method, request.url, request.headers]));
    openAnswer(request, response);
  });
  const sockets = new WebSocketServer({
    server: serving.server,
    handleProtocols: () => "farhelm.v1",
  });
  sockets.on("connection", (socket, request) => {
    seen.push(JSON.stringify(["upgrade", request.url, request.headers]));
    socket.close();
  });
  return { ...serving, seen };
}
