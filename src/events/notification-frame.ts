import { textFrame, textFrameHeaderBytes, writeTextFrameHeader } from "../util/text-frame.ts";

/** One notification as a WebSocket frame; `method` stands first so that readers can sort without parsing. */
export const notificationFrame = (method: string, params: unknown, emittedAtMs: number): Buffer =>
  textFrame(
    `{"method":"${method}","params":${JSON.stringify(params)},"emittedAtMs":${emittedAtMs}}`,
  );

/** The same where `params` is JSON text around the base64 of `bytes`, which goes straight into the frame. */
export function bytesFrame(
  method: string,
  params: { readonly head: string; readonly bytes: Buffer; readonly tail: string },
  emittedAtMs: number,
): Buffer {
  const { bytes } = params;
  const head = `{"method":"${method}","params":${params.head}`;
  const tail = `${params.tail},"emittedAtMs":${emittedAtMs}}`;
  const headBytes = Buffer.byteLength(head);
  const base64Bytes = 4 * Math.ceil(bytes.length / 3);
  const payloadBytes = headBytes + base64Bytes + Buffer.byteLength(tail);
  const frame = Buffer.allocUnsafe(textFrameHeaderBytes(payloadBytes) + payloadBytes);
  let offset = writeTextFrameHeader(frame, payloadBytes);
  offset += frame.write(head, offset);
  offset += frame.write(bytes.toString("base64"), offset, "latin1");
  frame.write(tail, offset);
  return frame;
}
