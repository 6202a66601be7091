/**
 * A network of a command's own: nothing is in it but its loopback, and there one port on which this program listens.
 * A helper makes the network, opens the port and hands both over, so that no other process has to stand between the two.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { Server } from "node:net";
import { isRecord } from "../../util/is-record.ts";
import { type Confined, type ProxiedNetwork, SandboxError } from "./port.ts";
import { trustedProgram } from "./trusted-program.ts";

interface OwnNetwork {
  /** What a command line begins with to run in it. */
  readonly enter: readonly string[];
  /** On 127.0.0.1, in there. */
  readonly listener: Server;
  readonly port: number;
  close(): void;
}

const timeoutMs = 20_000;
const namespaces = ["--unshare-user", "--unshare-net", "--cap-drop", "ALL", "--die-with-parent"];
/** Listens, says who it is, and waits to be killed. */
const helper = `const server = require("node:net").createServer();
server.listen(0, "127.0.0.1", () => process.send({ pid: process.pid, port: server.address().port }, server));`;

/** Confines a command so that `proxy` is all that it reaches. `confine` gets what its command line begins with and its further variables. */
export async function confineBehind(
  proxy: ProxiedNetwork,
  tools: { readonly bwrap: string; readonly path: string },
  confine: (
    enter: readonly string[],
    environment: Readonly<Record<string, string>>,
  ) => Promise<Confined>,
): Promise<Confined> {
  let own: OwnNetwork | undefined;
  const close = (): void => {
    proxy.close();
    own?.close();
  };
  try {
    own = await makeNetwork(tools.bwrap, nsenterOn(tools.path));
    const confined = await confine(own.enter, proxy.environment(own.port));
    proxy.serve(own.listener);
    const release = (): void => {
      close();
      confined.release();
    };
    return { ...confined, release };
  } catch (error) {
    close();
    throw error;
  }
}

function nsenterOn(path: string): string {
  const found = trustedProgram("nsenter", path);
  if (found && "path" in found) return found.path;
  throw new SandboxError(
    "the network proxy needs nsenter, which nobody but the administrator may be able to change: install util-linux, or turn the network off for this command",
  );
}

/** Rejects with `SandboxError`. */
async function makeNetwork(bwrap: string, nsenter: string): Promise<OwnNetwork> {
  const child = spawn(
    bwrap,
    [...namespaces, "--dev-bind", "/", "/", "--", process.execPath, "-e", helper],
    { env: {}, stdio: ["ignore", "ignore", "ignore", "ipc"] },
  );
  try {
    return await handedOver(child, nsenter);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SandboxError(
      `the command's own network could not be made (${why}): turn the network off for it, or let it have all of it`,
      { cause: error },
    );
  } finally {
    child.kill("SIGKILL");
  }
}

function handedOver(child: ChildProcess, nsenter: string): Promise<OwnNetwork> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the helper did not answer")), timeoutMs);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the helper ended with ${code}`)));
    child.once("message", (message, handle) => {
      try {
        resolve(networkOf(message, handle, nsenter));
      } catch (error) {
        if (handle instanceof Server) handle.close();
        reject(error);
      }
    });
    child.once("exit", () => clearTimeout(timer));
  });
}

/** The files keep the network while no process is in it. */
function networkOf(message: unknown, listener: unknown, nsenter: string): OwnNetwork {
  const { pid, port } = isRecord(message) ? message : {};
  if (!(listener instanceof Server) || typeof pid !== "number" || typeof port !== "number")
    throw new Error("the helper handed nothing over");
  const [user, network] = openPair(`/proc/${pid}/ns/user`, `/proc/${pid}/ns/net`);
  const own = `/proc/${process.pid}/fd`;
  return {
    enter: [
      nsenter,
      "--preserve-credentials",
      `--user=${own}/${user}`,
      `--net=${own}/${network}`,
      "--",
    ],
    listener,
    port,
    close() {
      listener.close();
      closeSync(user);
      closeSync(network);
    },
  };
}

/** Both, or none stays open. */
export function openPair(one: string, other: string): readonly [number, number] {
  const first = openSync(one, "r");
  try {
    return [first, openSync(other, "r")];
  } catch (error) {
    closeSync(first);
    throw error;
  }
}
