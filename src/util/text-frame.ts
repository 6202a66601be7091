/**
 * A complete, unmasked WebSocket text frame (RFC 6455, section 5.2): FIN set, minimal length coding.
 * Built once and written to any number of sockets. `allocate` gives the memory for it.
 */
export function textFrame(
  payload: string | Buffer,
  allocate: (bytes: number) => Buffer = anywhere,
): Buffer {
  const bytes = typeof payload === "string" ? Buffer.byteLength(payload) : payload.length;
  const frame = allocate(textFrameHeaderBytes(bytes) + bytes);
  const offset = writeTextFrameHeader(frame, bytes);
  if (typeof payload === "string") frame.write(payload, offset);
  else payload.copy(frame, offset);
  return frame;
}

const anywhere = (bytes: number): Buffer => Buffer.allocUnsafe(bytes);

/** The same frame in pieces, of a payload in pieces: what is bytes already is not copied. */
export function textFrameOf(payload: readonly (string | Buffer)[]): Buffer[] {
  const [only] = payload;
  if (payload.length === 1 && only !== undefined) return [textFrame(only)];
  const pieces = payload.map((piece) => (typeof piece === "string" ? Buffer.from(piece) : piece));
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const header = Buffer.allocUnsafe(textFrameHeaderBytes(bytes));
  writeTextFrameHeader(header, bytes);
  return [header, ...pieces];
}

/** How many header bytes a frame with a payload of `payloadBytes` has: 2, 4 or 10. */
export function textFrameHeaderBytes(payloadBytes: number): number {
  if (payloadBytes < 126) return 2;
  return payloadBytes < 65_536 ? 4 : 10;
}

/** Where the payload of the frame begins that begins at `start`. */
export function payloadStart(memory: Buffer, start = 0): number {
  const short = memory.readUInt8(start + 1);
  return start + (short < 126 ? 2 : short === 126 ? 4 : 10);
}

/** Where the frame ends that begins at `start`. */
export function frameEnd(memory: Buffer, start: number): number {
  const short = memory.readUInt8(start + 1);
  const payload = payloadStart(memory, start);
  if (short < 126) return payload + short;
  return short === 126
    ? payload + memory.readUInt16BE(start + 2)
    : payload + Number(memory.readBigUInt64BE(start + 2));
}

/** Writes the header at the start of `frame`; returns the offset at which the payload begins. */
export function writeTextFrameHeader(frame: Buffer, payloadBytes: number): number {
  frame[0] = 0x81;
  if (payloadBytes < 126) {
    frame[1] = payloadBytes;
    return 2;
  }
  if (payloadBytes < 65_536) {
    frame[1] = 126;
    frame.writeUInt16BE(payloadBytes, 2);
    return 4;
  }
  frame[1] = 127;
  frame.writeBigUInt64BE(BigInt(payloadBytes), 2);
  return 10;
}
