/** A host that answers on control.sock, over a real Unix socket, and commands that look for it there. */
import { createServer, type Server } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { WebSocketServer } from "ws";
import { runCli } from "./fake-outside.ts";

export type Answer = { readonly result: object } | { readonly error: object };

interface Called {
  readonly method: string;
  readonly params: unknown;
}

/** To be called once in a file: each of its tests has a home of its own, and no host but the one that it asks for. */
export function useControlHost() {
  let home = "";
  let calls: Called[] = [];
  let server: Server | undefined;
  let sockets: WebSocketServer | undefined;

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "farhelm-control-"));
    calls = [];
  });
  afterEach(async () => {
    server?.closeAllConnections();
    await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
    server = undefined;
    rmSync(home, { recursive: true });
  });

  return {
    get home() {
      return home;
    },
    /** What the host was asked. */
    get calls(): readonly Called[] {
      return calls;
    },
    /** Sends a notification to everybody who is connected. */
    notify: (method: string, params: object): void => {
      for (const socket of sockets?.clients ?? []) socket.send(JSON.stringify({ method, params }));
    },
    hostThat: async (answer: (method: string) => Answer | "hang up"): Promise<void> => {
      server = createServer();
      sockets = new WebSocketServer({ server });
      sockets.on("connection", (socket) => {
        socket.send(JSON.stringify({ method: "some/notification", params: {} }));
        socket.on("message", (data: Buffer) => {
          const { id, method, params } = JSON.parse(data.toString("utf8"));
          calls.push({ method, params });
          const reply = method === "initialize" ? { result: {} } : answer(method);
          if (reply === "hang up") socket.close(1001, "going down");
          else socket.send(JSON.stringify({ id, ...reply }));
        });
      });
      await new Promise<void>((resolve) => server?.listen(join(home, "control.sock"), resolve));
    },
    cli: (words: string, tty = false, answer?: (question: string) => string) =>
      runCli(words.split(" "), {
        env: { HOME: "/", FARHELM_HOME: home },
        tty,
        ...(answer && { answer }),
      }),
  };
}
