/** Sorts what the host sends. Params and results are trusted to have the shapes of the contract; names that are new to this client pass through. */
import type { WireError } from "../protocol/errors.ts";
import type { HostNotification, HostRequest } from "./host-api.ts";

export type ServerFrame =
  | { readonly kind: "notification"; readonly frame: HostNotification }
  | { readonly kind: "request"; readonly frame: HostRequest }
  | { readonly kind: "result"; readonly id: number; readonly result: unknown }
  | { readonly kind: "error"; readonly id: number; readonly error: WireError }
  | { readonly kind: "malformed" };

const malformed: ServerFrame = { kind: "malformed" };

export function readServerFrame(text: string): ServerFrame {
  const message = parse(text);
  if (typeof message !== "object" || message === null) return malformed;
  if (isNotification(message)) return { kind: "notification", frame: message };
  if (isRequest(message)) return { kind: "request", frame: message };
  if (!("id" in message) || typeof message.id !== "number") return malformed;
  if ("error" in message && isWireError(message.error)) {
    return { kind: "error", id: message.id, error: message.error };
  }
  return "result" in message
    ? { kind: "result", id: message.id, result: message.result }
    : malformed;
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
