/** One line of the log: how an entry becomes its exact bytes, and how those are read again. */
import { sha256Base64url } from "../crypto/digest.ts";
import { isRecord } from "../util/is-record.ts";
import type { AuditEntry } from "./port.ts";

/** Where a line stands in the chain. */
export interface ChainEnd {
  /** From 1; 0 before the first line. */
  readonly sequence: number;
  /** SHA-256 of the line's bytes without the line feed, base64url. */
  readonly hash: string;
}

/** What comes before the first line: 32 zero bytes for a hash. */
export const chainStart: ChainEnd = { sequence: 0, hash: "A".repeat(43) };

/** What the log says of itself. */
export const ownActs = ["audit.checkpoint", "audit.mended", "audit.lost"] as const;
export type OwnAct = (typeof ownActs)[number];

export interface LineSource {
  /** Unix time in milliseconds. */
  readonly timeMs: number;
  readonly entry: Omit<AuditEntry, "act"> & { readonly act: AuditEntry["act"] | OwnAct };
  /** Of a checkpoint: the signature over where the chain ended before it. */
  readonly head?: string;
}

/** Longer texts are cut: nothing that belongs here is longer. */
const maxTextChars = 200;

export function lineOf({ timeMs, entry, head }: LineSource, before: ChainEnd): string {
  const { act, outcome, code, who, address, about } = entry;
  return JSON.stringify({
    sequence: before.sequence + 1,
    timeMs,
    act,
    outcome,
    ...(code !== undefined && { code: plain(code) }),
    who: { kind: who.kind, id: plain(who.id), name: plain(who.name) },
    address: plain(address),
    ...(about && { about: plainMembers(about) }),
    ...(head !== undefined && { head }),
    prev: before.hash,
  });
}

export const endOf = (line: string | Uint8Array, sequence: number): ChainEnd => ({
  sequence,
  hash: sha256Base64url(line),
});

export interface ReadLine {
  readonly sequence: number;
  readonly timeMs: number;
  readonly prev: string;
  readonly head: string | undefined;
  readonly act: string;
  readonly members: Readonly<Record<string, unknown>>;
}

/** Undefined when it is no line of this log. */
export function readLine(bytes: Uint8Array): ReadLine | undefined {
  const members = parsed(Buffer.from(bytes).toString("utf8"));
  if (!isRecord(members)) return undefined;
  const { sequence, timeMs, prev, head, act } = members;
  if (typeof sequence !== "number" || !Number.isSafeInteger(sequence)) return undefined;
  if (typeof timeMs !== "number" || typeof prev !== "string" || typeof act !== "string") {
    return undefined;
  }
  return {
    sequence,
    timeMs,
    prev,
    act,
    head: typeof head === "string" ? head : undefined,
    members,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const plainMembers = (about: NonNullable<AuditEntry["about"]>): object => {
  const members: [string, string | number | boolean][] = [];
  for (const [name, value] of Object.entries(about)) {
    members.push([name, typeof value === "string" ? plain(value) : value]);
  }
  return Object.fromEntries(members);
};

/** Names come from outside: no control or direction characters, as in the list of devices. */
const plain = (text: string): string => {
  const shown = ascii.test(text) ? text : text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "");
  return shown.length <= maxTextChars ? shown : Array.from(shown).slice(0, maxTextChars).join("");
};

const ascii = /^[ -~]*$/;
