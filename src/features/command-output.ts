/** What a command printed, kept until it ends. */
import type { CommandStream } from "../tools/port.ts";

/** One answer can hold this much, however many bytes were asked for: both streams together. */
const maxKeptBytes = 4 * 1024 * 1024;

export class CommandOutput {
  readonly #chunks: Record<CommandStream, Buffer[]> = { stdout: [], stderr: [] };
  #bytes = 0;

  /** False: it is more than an answer can hold. */
  add(stream: CommandStream, bytes: Buffer): boolean {
    if (this.overflowed) return false;
    this.#bytes += bytes.length;
    this.#chunks[stream].push(bytes);
    return !this.overflowed;
  }

  get overflowed(): boolean {
    return this.#bytes > maxKeptBytes;
  }

  text(stream: CommandStream): string {
    return outputText(Buffer.concat(this.#chunks[stream]));
  }
}

/** Windows-1252 from 0x80 on, where it differs from Latin-1; the five bytes that it leaves open stay controls. */
const upperControls = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008DŽ\u008F\u0090‘’“”•–—˜™š›œ\u009DžŸ";

/** Output as text: UTF-8, without a last character that a cap cut in two; anything else as Windows-1252. */
export function outputText(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, {
      stream: true,
    });
  } catch {
    // the decoder of Node 20 takes Windows-1252 for Latin-1
    return bytes
      .toString("latin1")
      .replaceAll(/[\u0080-\u009F]/g, (byte) => upperControls.charAt(byte.charCodeAt(0) - 0x80));
  }
}
