/** Follows the frames in one direction of a WebSocket connection (RFC 6455, section 5.2), however its bytes come in pieces. */

/**
 * Where in a frame a line breaks: before its first byte, after it, in the middle of its payload, in the middle of the
 * first character of its text that takes more than one byte, or after its last byte.
 */
export type Boundary = "before" | "header" | "payload" | "character" | "after";

export interface FrameCut {
  /** So many whole frames pass first, and then the next one that has such a place. */
  readonly afterFrames: number;
  readonly at: Boundary;
}

type State = "head" | "plain" | "header" | "payload";

const maxHeadBytes = 16 * 1024;

export class FrameScan {
  /** Whole frames that went by. */
  frames = 0;
  #state: State = "head";
  #head = "";
  #header: number[] = [];
  #payloadBytes = 0;
  #seenBytes = 0;
  /** How far into the bytes at hand the scan came. */
  #at = 0;
  #mask: readonly number[] = [];

  /** Goes on over `bytes` to the end, or to where the cut falls: the count of bytes before it. */
  take(bytes: Buffer, cut?: FrameCut): number | undefined {
    let at = 0;
    while (at < bytes.length && this.#state !== "plain") {
      if (this.#state === "head") {
        at = this.#takeHead(bytes, at);
        continue;
      }
      const due = cut !== undefined && this.frames >= cut.afterFrames ? cut.at : undefined;
      if (due === "before" && this.#atBorder) return at;
      const cutAt =
        this.#state === "header"
          ? this.#takeHeader(bytes, at, due)
          : this.#takePayload(bytes, at, due);
      if (cutAt !== undefined) return cutAt;
      at = this.#at;
      if (due === "after" && this.#atBorder) return at;
    }
    return undefined;
  }

  #takeHead(bytes: Buffer, from: number): number {
    const before = this.#head.length;
    this.#head += bytes.toString("latin1", from, from + maxHeadBytes);
    const end = this.#head.indexOf("\r\n\r\n");
    if (end < 0) {
      if (this.#head.length > maxHeadBytes) this.#state = "plain";
      return bytes.length;
    }
    this.#state = /^upgrade: *websocket *$/im.test(this.#head.slice(0, end)) ? "header" : "plain";
    this.#head = "";
    return from + end + 4 - before;
  }

  #takeHeader(bytes: Buffer, from: number, due: Boundary | undefined): number | undefined {
    this.#at = from + 1;
    this.#header.push(bytes[from] ?? 0);
    if (due === "header") return this.#at;
    this.#readHeader();
    return undefined;
  }

  #readHeader(): void {
    const [, second = 0] = this.#header;
    const length = second & 0x7f;
    const lengthBytes = length === 126 ? 2 : length === 127 ? 8 : 0;
    const maskBytes = second & 0x80 ? 4 : 0;
    if (this.#header.length < 2 + lengthBytes + maskBytes) return;
    this.#payloadBytes =
      lengthBytes === 0
        ? length
        : this.#header.slice(2, 2 + lengthBytes).reduce((sum, part) => sum * 256 + part, 0);
    this.#mask = this.#header.slice(2 + lengthBytes);
    this.#seenBytes = 0;
    this.#state = "payload";
    if (this.#payloadBytes === 0) this.#endFrame();
  }

  #takePayload(bytes: Buffer, from: number, due: Boundary | undefined): number | undefined {
    this.#at = Math.min(bytes.length, from + this.#payloadBytes - this.#seenBytes);
    const part = bytes.subarray(from, this.#at);
    if (due === "payload") {
      const middle = Math.max(1, this.#payloadBytes >> 1) - this.#seenBytes;
      if (middle > 0 && middle <= part.length) return from + middle;
    }
    if (due === "character") {
      for (const [index, byte] of part.entries()) {
        if (this.#beginsCharacter(byte, this.#seenBytes + index)) return from + index + 1;
      }
    }
    this.#seenBytes += part.length;
    if (this.#seenBytes === this.#payloadBytes) this.#endFrame();
    return undefined;
  }

  /** RFC 3629, section 3: the first byte of a character of two to four. */
  #beginsCharacter(byte: number, at: number): boolean {
    const plain = byte ^ (this.#mask[at % 4] ?? 0);
    return plain >= 0xc2 && plain <= 0xf4;
  }

  #endFrame(): void {
    this.frames += 1;
    this.#header = [];
    this.#state = "header";
  }

  /** Between two frames. */
  get #atBorder(): boolean {
    return this.#state === "header" && this.#header.length === 0;
  }
}
