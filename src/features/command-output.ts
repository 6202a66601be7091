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

/** Output as text: UTF-8, without a last character that a cap cut in two; anything else as Windows-1252. */
export function outputText(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, {
      stream: true,
    });
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}
