import { z } from "zod";
import type { WireError } from "./errors.ts";
import { RequestId } from "./ids.ts";

/** A call from a client. `jsonrpc` may be present; it is ignored and never sent. */
export interface RequestFrame {
  readonly id: RequestId;
  readonly method: string;
  readonly params?: unknown;
  /** Made by the client: a call that comes again with the same one is not made twice. Any value; who reads it checks it. */
  readonly idempotencyKey?: unknown;
}

/** A client's answer to a server request. */
export type AnswerFrame =
  | { readonly id: RequestId; readonly result: unknown }
  | { readonly id: RequestId; readonly error: WireError };

/** What a call comes to. */
export type Answer = { readonly result: unknown } | { readonly error: WireError };

/** The server's answer to a call. `replayed`: the answer of an earlier request with the same idempotency key. */
export type ResponseFrame = Answer & { readonly id: RequestId; readonly replayed?: true };

export type InboundFrame =
  | { readonly kind: "request"; readonly frame: RequestFrame }
  | { readonly kind: "notification"; readonly method: string; readonly params: unknown }
  | { readonly kind: "answer"; readonly frame: AnswerFrame }
  | { readonly kind: "malformed" };

const Wire = z.looseObject({
  id: RequestId.optional(),
  method: z.string().optional(),
  params: z.unknown().optional(),
  idempotencyKey: z.unknown().optional(),
  result: z.unknown().optional(),
  error: z.looseObject({ code: z.number(), message: z.string() }).optional(),
});

/** Sorts one received text into what it is. Anything that is not one JSON-RPC message is `malformed` (no reply is owed). */
export function readFrame(text: string): InboundFrame {
  const parsed = Wire.safeParse(parseJson(text));
  if (!parsed.success) return { kind: "malformed" };
  const { id, method, params, idempotencyKey, result, error } = parsed.data;
  if (method !== undefined) {
    if (id === undefined) return { kind: "notification", method, params };
    const frame = { id, method, params };
    return idempotencyKey === undefined || idempotencyKey === null
      ? { kind: "request", frame }
      : { kind: "request", frame: { ...frame, idempotencyKey } };
  }
  if (id === undefined) return { kind: "malformed" };
  if (error !== undefined) return { kind: "answer", frame: { id, error } };
  return "result" in parsed.data
    ? { kind: "answer", frame: { id, result } }
    : { kind: "malformed" };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
