/** control.sock: the protocol over a Unix socket that only the host's owner may open. */
import type { Server } from "node:http";
import { createServer } from "node:http";
import { listenPrivately, type SocketAdvice } from "../util/private-socket.ts";
import type { Upgrades } from "./upgrades.ts";

export class ControlSocket {
  readonly #path: string;
  readonly #server: Server;

  constructor(path: string, upgrades: Upgrades) {
    this.#path = path;
    this.#server = createServer((_request, response) => {
      response.writeHead(426, { upgrade: "websocket", connection: "close", "content-length": 0 });
      response.end();
    });
    this.#server.on("upgrade", upgrades.overControlSocket);
  }

  /** Rejects with a sentence when the folder is not ours alone or another host answers. */
  listen(): Promise<void> {
    return listenPrivately(this.#server, this.#path, advice);
  }

  /** Node removes the file. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}

const advice: SocketAdvice = {
  what: "the control socket",
  tooLong: "choose a shorter FARHELM_HOME",
  foreignFolder: "set FARHELM_HOME to a folder of your own",
  taken: (path) =>
    `another Farhelm host is running for this home (${path} answers): stop it, or set FARHELM_HOME to another folder`,
};
