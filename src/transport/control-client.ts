import { createConnection } from "node:net";
import { WebSocket } from "ws";

/**
 * Opens a WebSocket over the Unix socket at `path`: the caller's side of control.sock.
 * Rejects with the system's error (ENOENT, ECONNREFUSED: nobody listens).
 */
export function openControlSocket(path: string): Promise<ControlSocket> {
  const socket = new WebSocket("ws://localhost/", {
    createConnection: () => createConnection(path),
    perMessageDeflate: false,
    handshakeTimeout: 5_000,
  });
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("open", () => {
      socket.off("error", reject);
      // What follows an error is a close, which is told.
      socket.on("error", () => {});
      resolve({
        send: (text) => {
          socket.send(text);
        },
        onMessage: (listener) => {
          socket.on("message", (data) => {
            if (Buffer.isBuffer(data)) listener(data.toString("utf8"));
          });
        },
        onClose: (listener) => {
          socket.on("close", (code, reason) => {
            listener(reason.toString("utf8") || `code ${code}`);
          });
        },
        close: () => {
          socket.close();
        },
      });
    });
  });
}

/** A connection to the running host; one text message per call. */
export interface ControlSocket {
  send(text: string): void;
  onMessage(listener: (text: string) => void): void;
  onClose(listener: (reason: string) => void): void;
  close(): void;
}
