import { RpcError } from "../protocol/errors.ts";

/** Text that is no base64; the message is in the stock server's words. */
export class Base64Error extends Error {
  override readonly name = "Base64Error";
}

/** The bytes of a client's base64, padded and in one piece. Throws `Base64Error`. */
export function bytesOfBase64(text: string): Buffer {
  const odd = text.search(/[^A-Za-z0-9+/=]/);
  if (odd !== -1) throw invalidSymbol(text, odd);
  const firstPadding = text.indexOf("=");
  const body = firstPadding === -1 ? text : text.slice(0, firstPadding);
  const padding = text.slice(body.length);
  const room = body.length % 4 < 2 ? 0 : 4 - (body.length % 4);
  if (/[^=]/.test(padding) || padding.length > room) throw invalidSymbol(text, body.length);
  if (body.length % 4 === 1) throw new Base64Error(`Invalid input length: ${text.length}`);
  if (text.length % 4 !== 0) throw new Base64Error("Invalid padding");
  const bytes = Buffer.from(body, "base64");
  if (padding !== "" && bytes.toString("base64") !== text) {
    const last = body.length - 1;
    throw new Base64Error(`Invalid last symbol ${body.charCodeAt(last)}, offset ${last}.`);
  }
  return bytes;
}

/** The bytes of `deltaBase64`. Throws -32602. */
export function base64Bytes(text: string): Buffer {
  try {
    return bytesOfBase64(text);
  } catch (error) {
    if (!(error instanceof Base64Error)) throw error;
    throw new RpcError("invalidParams", `invalid deltaBase64: ${error.message}`, { cause: error });
  }
}

const invalidSymbol = (text: string, offset: number): Base64Error =>
  new Base64Error(
    `Invalid symbol ${Buffer.from(text.slice(offset, offset + 2))[0] ?? 0}, offset ${offset}.`,
  );
