/** A line to a host on which goes wrong, by hand, what goes wrong on a phone's: it breaks at any byte, falls silent, is slow, or does not open. */
import type { Socket } from "node:net";
import { connect, createServer } from "node:net";
import { deferred } from "../../src/util/deferred.ts";
import { Line } from "./fault-line.ts";
import type { Armed, CutPoint, Pace } from "./fault-line.ts";

export interface FaultProxyOptions {
  /** The address from which the host sees connections come. */
  readonly from?: string;
  /** Hears what comes from the host, before anything is done to it. */
  readonly tap?: (bytes: Buffer) => void;
}

/** More connections than that at one time are not taken. */
const maxLines = 2_000;

export class FaultProxy {
  /** What listens on it may change, as when a host is started again. */
  targetPort: number;
  readonly port: number;
  readonly #server: ReturnType<typeof createServer>;
  readonly #options: FaultProxyOptions;
  readonly #lines = new Set<Line>();
  #opened = 0;
  #refusing = false;
  #silent = false;
  #pace: Pace | undefined;
  #armed: Armed | undefined;

  private constructor(
    targetPort: number,
    options: FaultProxyOptions,
    server: ReturnType<typeof createServer>,
    port: number,
  ) {
    this.targetPort = targetPort;
    this.port = port;
    this.#options = options;
    this.#server = server;
    server.on("connection", (near: Socket) => this.#open(near));
  }

  static async start(targetPort: number, options: FaultProxyOptions = {}): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return new FaultProxy(targetPort, options, server, address.port);
  }

  /** Connections that are open, on one side at least. */
  get open(): number {
    return this.#lines.size;
  }

  /** Connections that were let through so far. */
  get opened(): number {
    return this.#opened;
  }

  /** Breaks every connection now; new ones are taken. */
  cut(): void {
    for (const line of this.#lines) line.destroy();
  }

  /** Breaks one connection at this point. Resolves when it happened; an earlier point no longer counts. */
  cutAt(point: CutPoint): Promise<void> {
    const broken = deferred<void>();
    this.#armed = {
      point,
      done: () => {
        this.#armed = undefined;
        broken.resolve();
      },
    };
    return broken.promise;
  }

  /** From now on all packets are lost, of open connections and of new ones; nobody is told. */
  swallow(): void {
    this.#silent = true;
    for (const line of this.#lines) line.silent = true;
  }

  /** New connections are broken off at once. */
  refuse(): void {
    this.#refusing = true;
  }

  /** For everything that comes from now on; undefined: as fast as it can. */
  setPace(pace: Pace | undefined): void {
    this.#pace = pace;
  }

  /** New connections work. What a silent one lost stays lost: it remains silent until an end gives it up or `cut`. */
  heal(): void {
    this.#refusing = false;
    this.#silent = false;
    this.#pace = undefined;
    this.#armed = undefined;
  }

  /** Ends every socket. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#refusing = true;
    this.cut();
    await closed;
  }

  #open(near: Socket): void {
    if (this.#refusing || this.#lines.size >= maxLines) {
      near.on("error", () => undefined);
      near.resetAndDestroy();
      return;
    }
    this.#opened += 1;
    const { from } = this.#options;
    const far = connect({
      port: this.targetPort,
      host: "127.0.0.1",
      allowHalfOpen: true,
      ...(from === undefined ? {} : { localAddress: from }),
    });
    const line: Line = new Line(
      near,
      far,
      (direction) => (this.#armed?.point.direction === direction ? this.#armed : undefined),
      () => this.#pace,
      () => this.#lines.delete(line),
    );
    const { tap } = this.#options;
    if (tap) far.prependListener("data", tap);
    line.silent = this.#silent;
    this.#lines.add(line);
  }
}
