/** Passes a command's output on while it runs, in pieces and at a pace that other work survives. */
import { StringDecoder } from "node:string_decoder";

/** At most this much in one turn of the event loop. */
const pieceBytes = 8 * 1024;
/** With more than this waiting, the command has to wait too. */
const highWaterBytes = 64 * 1024;
/** A command that ends within this time of its first output is told of once, by its completed item. */
const holdMs = 100;
/** A limit on what one command can send to every client; its item has beginning and end anyway. */
const maxPieces = 10_000;

export interface Throttle {
  pause(): void;
  resume(): void;
}

export class OutputStream {
  readonly #send: (text: string) => void;
  readonly #throttle: Throttle;
  readonly #decoder = new StringDecoder("utf8");
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isPaused = false;
  #isHeld = true;
  #isScheduled = false;
  #sentPieces = 0;
  #hold: NodeJS.Timeout | undefined;
  #whenEmpty: (() => void) | undefined;

  constructor(send: (text: string) => void, throttle: Throttle) {
    this.#send = send;
    this.#throttle = throttle;
  }

  add(chunk: Buffer): void {
    if (this.#sentPieces >= maxPieces) return;
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes > highWaterBytes && !this.#isPaused) {
      this.#isPaused = true;
      this.#throttle.pause();
    }
    if (this.#waitingBytes >= pieceBytes) this.#release();
    else if (this.#isHeld) this.#hold ??= setTimeout(() => this.#release(), holdMs);
    else this.#schedule();
  }

  /** Resolves when everything was passed on. What was held back until now is dropped. */
  async end(): Promise<void> {
    clearTimeout(this.#hold);
    if (this.#isHeld) {
      this.#waiting = [];
      this.#waitingBytes = 0;
    }
    if (this.#waitingBytes > 0) {
      await new Promise<void>((resolve) => {
        this.#whenEmpty = resolve;
        this.#schedule();
      });
    }
    const rest = this.#decoder.end();
    if (rest !== "" && !this.#isHeld) this.#send(rest);
  }

  #release(): void {
    clearTimeout(this.#hold);
    this.#isHeld = false;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#sendPiece();
    });
  }

  #sendPiece(): void {
    const text = this.#decoder.write(this.#takePiece());
    if (text !== "" && this.#sentPieces < maxPieces) {
      this.#sentPieces++;
      this.#send(text);
    }
    if (this.#isPaused && this.#waitingBytes <= highWaterBytes / 2) {
      this.#isPaused = false;
      this.#throttle.resume();
    }
    if (this.#waitingBytes > 0) this.#schedule();
    else this.#whenEmpty?.();
  }

  #takePiece(): Buffer {
    const all = this.#waiting.length === 1 ? this.#waiting[0] : Buffer.concat(this.#waiting);
    if (!all) return Buffer.alloc(0);
    const rest = all.subarray(pieceBytes);
    this.#waiting = rest.length > 0 ? [rest] : [];
    this.#waitingBytes = rest.length;
    return all.subarray(0, pieceBytes);
  }
}
