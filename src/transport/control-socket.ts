/**
 * control.sock: the protocol over a Unix socket. The file's mode is its only guard, so folder and file are checked
 * and set before anyone can connect, and two hosts never share one.
 */
import { chmodSync, lstatSync, mkdirSync, unlinkSync } from "node:fs";
import type { Server } from "node:http";
import { createServer } from "node:http";
import { connect } from "node:net";
import { dirname } from "node:path";
import type { Upgrades } from "./upgrades.ts";

/** sockaddr_un: 108 bytes on Linux and 104 on macOS, the closing zero included. */
const maxPathBytes = process.platform === "darwin" ? 103 : 107;

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
  async listen(): Promise<void> {
    const path = this.#path;
    if (Buffer.byteLength(path) > maxPathBytes) {
      throw new Error(
        `the path of the control socket is too long (${Buffer.byteLength(path)} bytes, at most ${maxPathBytes}): choose a shorter FARHELM_HOME`,
      );
    }
    secureFolder(dirname(path));
    await removeStale(path);
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(path, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    chmodSync(path, 0o600);
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

function secureFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(folder);
  if (process.getuid && uid !== process.getuid()) {
    throw new Error(
      `${folder} belongs to another user, who could take over the control socket: set FARHELM_HOME to a folder of your own`,
    );
  }
  if ((mode & 0o077) !== 0) chmodSync(folder, 0o700);
}

/** A socket file that nobody answers on was left by a host that died. */
async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isSocket()) {
    throw new Error(`${path} is in the way and is not a socket: move it aside`);
  }
  if (await answers(path)) {
    throw new Error(
      `another Farhelm host is running for this home (${path} answers): stop it, or set FARHELM_HOME to another folder`,
    );
  }
  unlinkSync(path);
}

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED" || error.code === "ENOENT") resolve(false);
      else reject(error);
    });
  });
