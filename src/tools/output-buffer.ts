/** The output of a command, kept in bounded memory: its beginning and its end. */

/** The half of a megabyte that is kept of either end. */
const halfBytes = 512 * 1024;

export class OutputBuffer {
  #head: Buffer[] = [];
  #headBytes = 0;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #totalBytes = 0;
  #newlines = 0;

  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** Lines in all, those that were dropped included; an unfinished one counts. */
  get totalLines(): number {
    return this.#newlines + (this.#endsWithNewline() || this.#totalBytes === 0 ? 0 : 1);
  }

  /** Whether what comes next begins a line. */
  get endsLine(): boolean {
    return this.#totalBytes === 0 || this.#endsWithNewline();
  }

  add(chunk: Buffer): void {
    this.#totalBytes += chunk.length;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) this.#newlines++;
    const room = halfBytes - this.#headBytes;
    if (room > 0) {
      // copied: a small piece would keep the pipe's whole 64 KiB block alive
      this.#head.push(Buffer.from(chunk.subarray(0, room)));
      this.#headBytes += Math.min(room, chunk.length);
    }
    if (chunk.length > room) this.#addTail(Buffer.from(chunk.subarray(Math.max(room, 0))));
  }

  #addTail(chunk: Buffer): void {
    this.#tail.push(chunk);
    this.#tailBytes += chunk.length;
    let first = this.#tail[0];
    while (first && this.#tailBytes - first.length >= halfBytes) {
      this.#tail.shift();
      this.#tailBytes -= first.length;
      first = this.#tail[0];
    }
  }

  #endsWithNewline(): boolean {
    return (this.#tail.at(-1) ?? this.#head.at(-1))?.at(-1) === 10;
  }

  /** As text; where the middle is missing, a line says how much. Bytes that are not UTF-8 become U+FFFD. */
  text(): string {
    const head = Buffer.concat(this.#head);
    const tail = Buffer.concat(this.#tail);
    const kept = tail.subarray(Math.max(0, tail.length - halfBytes));
    const dropped = this.#totalBytes - head.length - kept.length;
    if (dropped === 0) return Buffer.concat([head, kept]).toString();
    return `${withoutCutEnd(head)}\n[… ${dropped} bytes left out …]\n${withoutCutStart(kept)}`;
  }

  /** The text so far; the buffer is empty afterwards. */
  take(): { text: string; totalBytes: number; totalLines: number } {
    const taken = { text: this.text(), totalBytes: this.totalBytes, totalLines: this.totalLines };
    this.#head = [];
    this.#tail = [];
    this.#headBytes = this.#tailBytes = this.#totalBytes = this.#newlines = 0;
    return taken;
  }
}

/** How many bytes the UTF-8 character takes whose first byte is `lead`. */
function widthOf(lead: number): number {
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc0 ? 2 : 1;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x80 && byte < 0xc0;
}

function withoutCutEnd(bytes: Buffer): string {
  let start = bytes.length - 1;
  while (start > bytes.length - 4 && isContinuation(bytes[start])) start--;
  const isCut = start >= 0 && start + widthOf(bytes[start] ?? 0) > bytes.length;
  return bytes.toString("utf8", 0, isCut ? start : bytes.length);
}

function withoutCutStart(bytes: Buffer): string {
  let start = 0;
  while (start < 3 && isContinuation(bytes[start])) start++;
  return bytes.toString("utf8", start);
}

/** Four bytes are taken for a token: good enough for a budget. */
const bytesPerToken = 4;

/** How much of a command's output the model gets unless it asks for less. */
export const maxModelTokens = 10_000;

export function tokensOf(bytes: number): number {
  return Math.ceil(bytes / bytesPerToken);
}

/** What the model gets of an output: all of it, or beginning and end with a note on what is missing. */
export function outputForModel(
  output: { text: string; totalBytes: number; totalLines: number },
  maxTokens: number,
): string {
  const budget = Math.min(maxTokens, maxModelTokens) * bytesPerToken;
  if (output.totalBytes <= budget) return output.text;
  const bytes = Buffer.from(output.text);
  const headBytes = Math.floor(budget / 2);
  const head = withoutCutEnd(bytes.subarray(0, headBytes));
  const tail = withoutCutStart(bytes.subarray(bytes.length - (budget - headBytes)));
  const left = tokensOf(output.totalBytes - budget);
  return (
    `Warning: truncated output (original token count: ${tokensOf(output.totalBytes)})\n` +
    `Total output lines: ${output.totalLines}\n\n${head}…${left} tokens truncated…${tail}`
  );
}
