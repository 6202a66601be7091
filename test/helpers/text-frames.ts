/** Reads back what was written as unmasked WebSocket text frames. */
export function payloadsOf(bytes: Buffer): readonly string[] {
  const payloads: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] !== 0x81) throw new Error(`no text frame begins at ${at}`);
    const short = bytes.readUInt8(at + 1);
    const header = short < 126 ? 2 : short === 126 ? 4 : 10;
    const length =
      header === 2
        ? short
        : header === 4
          ? bytes.readUInt16BE(at + 2)
          : Number(bytes.readBigUInt64BE(at + 2));
    const end = at + header + length;
    if (end > bytes.length) throw new Error("a frame is cut off");
    payloads.push(bytes.toString("utf8", at + header, end));
    at = end;
  }
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
  /** The number in the events of its thread. */
  readonly seq?: number;
}

export const sentIn = (bytes: Buffer): readonly Sent[] =>
  payloadsOf(bytes).map((text): Sent => JSON.parse(text));
