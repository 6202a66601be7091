import {
  payloadStart,
  textFrame,
  textFrameHeaderBytes,
  writeTextFrameHeader,
} from "../util/text-frame.ts";
import type { Mark } from "./entry.ts";
import type { ThreadLog } from "./thread-log.ts";

interface Numbering {
  readonly nowMs: number;
  readonly mark: Mark | undefined;
}

const opened = (method: string, params: unknown, emittedAtMs: number): string =>
  `{"method":"${method}","params":${JSON.stringify(params)},"emittedAtMs":${emittedAtMs}`;

/** One notification as a WebSocket frame; `method` stands first so that readers can sort without parsing. */
export const notificationFrame = (method: string, params: unknown, emittedAtMs: number): Buffer =>
  textFrame(`${opened(method, params, emittedAtMs)}}`);

/** The same as the next frame of its thread's log, with its number. */
export const loggedFrame = (
  log: ThreadLog,
  method: string,
  params: unknown,
  { nowMs, mark }: Numbering,
): Buffer =>
  textFrame(`${opened(method, params, nowMs)},"seq":${log.head + 1}}`, (bytes) =>
    log.append(bytes, nowMs, mark),
  );

/** A frame of a JSON object as the next one of its thread's log, with its number. */
export function numberedFrame(log: ThreadLog, frame: Buffer, { nowMs, mark }: Numbering): Buffer {
  const unclosed = frame.subarray(payloadStart(frame), -1);
  const end = Buffer.from(`,"seq":${log.head + 1}}`);
  const payloadBytes = unclosed.length + end.length;
  const numbered = log.append(textFrameHeaderBytes(payloadBytes) + payloadBytes, nowMs, mark);
  let at = writeTextFrameHeader(numbered, payloadBytes);
  at += unclosed.copy(numbered, at);
  end.copy(numbered, at);
  return numbered;
}

/** A notification without a number where `params` is JSON text around the base64 of `bytes`, which goes straight into the frame. */
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
