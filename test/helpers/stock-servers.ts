/** Either program as a server of one home, one after the other. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { startHost } from "../../src/app.ts";
import { StockPeer } from "./stock-peer.ts";

export interface Served {
  readonly peer: StockPeer;
  stop(): Promise<void>;
}

export interface StockHome {
  /** Of the user; `.codex` and `.farhelm` are in it. */
  readonly home: string;
  readonly cwd: string;
  /** More variables for the stock program; the other one has this process's. */
  readonly env?: Readonly<Record<string, string>>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

export async function serveStock(binary: string, { home, cwd, env }: StockHome): Promise<Served> {
  const url = `ws://127.0.0.1:${await freePort()}`;
  const child = spawn(binary, ["app-server", "--listen", url], {
    cwd,
    env: {
      PATH: process.env["PATH"],
      HOME: home,
      CODEX_HOME: join(home, ".codex"),
      SHELL: "/bin/bash",
      ...env,
    },
    stdio: "ignore",
  });
  const ended = once(child, "exit");
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await ended;
    clearTimeout(late);
  };
  try {
    const peer = await StockPeer.connect(url);
    return {
      peer,
      stop: async () => {
        peer.close();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

export async function serveOurs({ home, cwd }: StockHome): Promise<Served> {
  const farhelmHome = join(home, ".farhelm");
  const host = await startHost({
    listen: { host: "127.0.0.1", port: 0 },
    lan: false,
    publicOrigin: undefined,
    allowedHosts: [],
    trustedProxies: [],
    allowRemoteHeadless: false,
    defaultCwd: cwd,
    store: undefined,
    databaseUrl: undefined,
    configOverrides: [],
    systemFolder: join(home, "etc"),
    codexHome: join(home, ".codex"),
    farhelmHome,
    version: "0.0.0",
  });
  const peer = await StockPeer.connect(`ws+unix://${join(farhelmHome, "control.sock")}:/rpc`);
  return {
    peer,
    stop: async () => {
      peer.close();
      await host.close();
    },
  };
}
