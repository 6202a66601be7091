import type { Bytes } from "./bytes.ts";

/** An ECDSA signature as WebCrypto gives it (r and s side by side, equally long) in ASN.1 DER (RFC 3279, section 2.2.3). */
export function derSignature(raw: Uint8Array): Bytes {
  const half = raw.length / 2;
  const body = [...derInteger(raw.subarray(0, half)), ...derInteger(raw.subarray(half))];
  return Uint8Array.from([0x30, body.length, ...body]);
}

/** Minimal and positive: no leading zeros, except one where the first bit is set. */
function derInteger(bytes: Uint8Array): number[] {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first === -1 ? [0] : [...bytes.subarray(first)];
  const padded = (digits[0] ?? 0) >= 0x80 ? [0, ...digits] : digits;
  return [0x02, padded.length, ...padded];
}
