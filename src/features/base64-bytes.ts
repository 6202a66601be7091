import { RpcError } from "../protocol/errors.ts";

/** The bytes of a client's base64, padded and in one piece. Throws -32602 in the stock server's words. */
export function base64Bytes(text: string): Buffer {
  const odd = text.search(/[^A-Za-z0-9+/=]/);
  if (odd !== -1) {
    const symbol = text.codePointAt(odd) ?? 0;
    throw invalid(`Invalid symbol ${symbol}, offset ${odd}.`);
  }
  if (text.length % 4 !== 0 || /=[^=]|={3}/.test(text)) throw invalid("Invalid padding");
  return Buffer.from(text, "base64");
}

const invalid = (why: string): RpcError =>
  new RpcError("invalidParams", `invalid deltaBase64: ${why}`);
