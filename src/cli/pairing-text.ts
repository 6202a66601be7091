import { renderUnicodeCompact } from "uqr";
import type { PairingLink } from "./host.ts";
import { printable } from "./table.ts";

/** What a person reads who wants to add a device: the link, as a QR code too, the code, and the deadline. */
export function pairingText({ url, expiresAtMs, code }: PairingLink & { code?: string }): string {
  const byHand =
    code === undefined ? [] : [`Or open ${url.split("#")[0]} there and type the code  ${code}`, ""];
  return [
    "",
    "Open this link on the device that shall drive the agent, or scan it:",
    "",
    `  ${url}`,
    "",
    renderUnicodeCompact(url, { border: 2 }),
    "",
    ...byHand,
    `It works once, until ${clock(expiresAtMs)} (${minutesTo(expiresAtMs)} min). For another: npx farhelm pair`,
    "",
  ].join("\n");
}

/** A pairing as the host tells it, as far as it is shown. */
export interface ShownPairing {
  readonly id: string;
  readonly phase: string;
  readonly role: string;
  readonly deviceTtlMs: number | null;
  readonly expiresAtMs: number;
  readonly because: string | null;
  readonly request: {
    readonly deviceName: string;
    readonly address: string;
    readonly way: string;
    readonly fingerprint: string;
    readonly words: string;
  } | null;
}

/** What must be looked at before a device is let in. */
export function requestText({ request, role, deviceTtlMs, expiresAtMs }: ShownPairing): string {
  const lines = [
    ["name", request?.deviceName ?? "-"],
    ["address", `${request?.address ?? "-"}, by ${request?.way ?? "-"}`],
    ["key", request?.fingerprint ?? "-"],
    [
      "role",
      `${role}, ${deviceTtlMs === null ? "until it is revoked" : `for ${span(deviceTtlMs)}`}`,
    ],
    ["words", request?.words ?? "-"],
  ] as const;
  return [
    "",
    "A device wants in:",
    "",
    ...lines.map(([name, value]) => `  ${name.padEnd(9)}${printable(value)}`),
    "",
    `Answer by ${clock(expiresAtMs)}; without an answer it stays out.`,
    "",
  ].join("\n");
}

/** How a pairing ended, in a sentence; undefined while it goes on. */
export function endText({ phase, because, request, id }: ShownPairing): string | undefined {
  const name = printable(request?.deviceName ?? "the device");
  if (phase === "enrolled") return `${name} is paired.`;
  if (phase === "expired")
    return request === null
      ? 'Nobody came in time; "npx farhelm pair" makes a new link.'
      : `${name} was not paired in time; "npx farhelm pair" makes a new link.`;
  if (phase !== "refused") return undefined;
  if (because === "cancelled") return `The pairing ${id} was taken back.`;
  if (because === "proof")
    return `${name} could not prove its key and stays out; "npx farhelm pair" makes a new link.`;
  return `${name} stays out. Its link is used up: for your own device "npx farhelm pair" makes a new one.`;
}

export const clock = (atMs: number): string => new Date(atMs).toLocaleTimeString();

const minutesTo = (atMs: number): number => Math.max(1, Math.round((atMs - Date.now()) / 60_000));

function span(ms: number): string {
  const units = [
    [86_400_000, "days"],
    [3_600_000, "hours"],
    [60_000, "minutes"],
  ] as const;
  const [unitMs, name] = units.find(([each]) => ms >= 2 * each) ?? [1000, "seconds"];
  return `${Math.round(ms / unitMs)} ${name}`;
}
