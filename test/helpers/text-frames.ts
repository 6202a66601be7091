/** The whole frames of a server (RFC 6455, section 5.2) from `at` on. `first`: the byte that says what a frame is. */
export function* framesIn(
  bytes: Buffer,
  at = 0,
): Generator<{ readonly first: number; readonly payload: Buffer; readonly end: number }> {
  for (let start = at; start + 2 <= bytes.length;) {
    const short = bytes.readUInt8(start + 1);
    const header = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (start + header > bytes.length) return;
    const length =
      header === 2
        ? short
        : header === 4
          ? bytes.readUInt16BE(start + 2)
          : Number(bytes.readBigUInt64BE(start + 2));
    const end = start + header + length;
    if (end > bytes.length) return;
    yield { first: bytes.readUInt8(start), payload: bytes.subarray(start + header, end), end };
    start = end;
  }
}

/** The first byte of a text in one frame. */
export const wholeText = 0x81;

/** Reads back what was written as unmasked WebSocket text frames. */
export function payloadsOf(bytes: Buffer): readonly string[] {
  const payloads: string[] = [];
  let at = 0;
  for (const { first, payload, end } of framesIn(bytes)) {
    if (first !== wholeText) throw new Error(`no text frame begins at ${at}`);
    payloads.push(payload.toString("utf8"));
    at = end;
  }
  if (at < bytes.length) throw new Error("a frame is cut off");
  return payloads;
}

/** Any JSON object that the host sends. */
export interface Sent {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
  readonly emittedAtMs?: number;
  readonly gains?: object;
  /** The number in the events of its thread. */
  readonly seq?: number;
}

export const sentIn = (bytes: Buffer): readonly Sent[] =>
  payloadsOf(bytes).map((text): Sent => JSON.parse(text));
