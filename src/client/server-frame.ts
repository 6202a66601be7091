/** Sorts what the host sends. Params and results are trusted to have the shapes of the contract; names that are new to this client pass through. */
import type { WireError } from "../protocol/errors.ts";
import type { HostNotification, HostRequest } from "./host-api.ts";

export type ServerFrame =
  | {
      readonly kind: "notification";
      readonly frame: HostNotification;
      /** Its number among the events of its thread. */
      readonly seq: number | undefined;
    }
  | { readonly kind: "request"; readonly frame: HostRequest; readonly seq: number | undefined }
  | {
      readonly kind: "result";
      readonly id: number;
      readonly result: unknown;
      /** It is the answer of an earlier request with the same key. */
      readonly replayed: boolean;
    }
  | { readonly kind: "error"; readonly id: number; readonly error: WireError }
  | { readonly kind: "malformed" };

const malformed: ServerFrame = { kind: "malformed" };

export function readServerFrame(text: string): ServerFrame {
  const message = parse(text);
  if (typeof message !== "object" || message === null) return malformed;
  const seq = "seq" in message && typeof message.seq === "number" ? message.seq : undefined;
  if (isNotification(message)) return { kind: "notification", frame: message, seq };
  if (isRequest(message)) return { kind: "request", frame: message, seq };
  if (!("id" in message) || typeof message.id !== "number") return malformed;
  if ("error" in message && isWireError(message.error)) {
    return { kind: "error", id: message.id, error: message.error };
  }
  if (!("result" in message)) return malformed;
  const replayed = "replayed" in message && message.replayed === true;
  return { kind: "result", id: message.id, result: message.result, replayed };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const hasMethodAndParams = (message: object): boolean =>
  "method" in message &&
  typeof message.method === "string" &&
  "params" in message &&
  typeof message.params === "object" &&
  message.params !== null;

const isNotification = (message: object): message is HostNotification =>
  hasMethodAndParams(message) && !("id" in message);

const isRequest = (message: object): message is HostRequest =>
  hasMethodAndParams(message) &&
  "id" in message &&
  (typeof message.id === "number" || typeof message.id === "string");

const isWireError = (error: unknown): error is WireError =>
  typeof error === "object" && error !== null && "message" in error && "code" in error;
