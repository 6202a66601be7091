import { CliError } from "./cli-error.ts";
import { controlSocketPath, type Homes } from "./homes.ts";
import type { ControlSocket, Outside } from "./host.ts";
import { isRecord } from "../util/is-record.ts";

const answerTimeoutMs = 10_000;
/** What connecting to a Unix socket says when nobody listens there. */
const nobodyThere = new Set(["ENOENT", "ECONNREFUSED", "ENOTDIR"]);

type Params = Readonly<Record<string, unknown>>;

/** A conversation with the running host. All rejections are `CliError`. */
export interface Control {
  call(method: string, params: object): Promise<Params>;
  /** The params of the next notification of this method that `fits`, of those that come from now on. */
  next(method: string, fits: (params: Params) => boolean): Promise<Params>;
}

interface Listener {
  readonly method: string;
  fits(params: Params): boolean;
  settle(told: Params | Error): void;
}

/** Opens an initialised session on control.sock, lets `work` call, and closes it. */
export async function withHost<T>(
  outside: Outside,
  homes: Homes,
  version: string,
  work: (control: Control) => Promise<T>,
): Promise<T> {
  const socket = await connect(outside, homes);
  try {
    const control = speak(socket);
    await control.call("initialize", {
      clientInfo: { name: "farhelm-cli", title: null, version },
      capabilities: { experimentalApi: true },
    });
    return await work(control);
  } finally {
    socket.close();
  }
}

async function connect(outside: Outside, homes: Homes): Promise<ControlSocket> {
  const path = controlSocketPath(homes);
  try {
    return await outside.openControlSocket(path);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    throw new CliError(
      nobodyThere.has(code)
        ? `No host is running for FARHELM_HOME=${homes.farhelmHome}; start it with "npm start" or "npx farhelm up".`
        : `The running host cannot be reached through ${path} (${code || String(cause)}); try again, then restart it.`,
      { cause },
    );
  }
}

function speak(socket: ControlSocket): Control {
  const waiting = new Map<number, (answer: Params | Error) => void>();
  const listeners = new Set<Listener>();
  let nextId = 1;
  socket.onMessage((text) => {
    const frame: unknown = JSON.parse(text);
    if (!isRecord(frame)) return;
    if ("method" in frame) {
      tell(listeners, frame);
      return;
    }
    if (typeof frame["id"] !== "number") return;
    const settle = waiting.get(frame["id"]);
    waiting.delete(frame["id"]);
    settle?.(outcome(frame));
  });
  socket.onClose((reason) => {
    const ended = new CliError(`The host closed the connection (${reason}); try again.`);
    for (const settle of waiting.values()) settle(ended);
    waiting.clear();
    for (const listener of listeners) listener.settle(ended);
    listeners.clear();
  });
  return {
    call: (method, params) =>
      new Promise((resolve, reject) => {
        const id = nextId++;
        const timer = setTimeout(() => {
          waiting.delete(id);
          reject(new CliError(`The host did not answer ${method} within 10 s; restart it.`));
        }, answerTimeoutMs);
        waiting.set(id, (answer) => {
          clearTimeout(timer);
          if (answer instanceof Error) reject(answer);
          else resolve(answer);
        });
        socket.send(JSON.stringify({ id, method, params }));
      }),
    next: (method, fits) =>
      new Promise((resolve, reject) => {
        const settle = (told: Params | Error): void =>
          told instanceof Error ? reject(told) : resolve(told);
        listeners.add({ method, fits, settle });
      }),
  };
}

function tell(listeners: Set<Listener>, { method, params }: Params): void {
  if (!isRecord(params)) return;
  for (const listener of listeners) {
    if (listener.method !== method || !listener.fits(params)) continue;
    listeners.delete(listener);
    listener.settle(params);
  }
}

function outcome(frame: Params): Params | Error {
  const { error, result } = frame;
  if (isRecord(error)) return new CliError(`The host refused: ${String(error["message"])}`);
  return isRecord(result) ? result : {};
}
