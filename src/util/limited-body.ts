/**
 * A body that is given in pieces, whole; undefined when it is longer than `maxBytes`. `fetch` gives what is already
 * decompressed, so what is small on the wire is counted as it grows.
 */
export async function limitedBody(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop early cancels the stream, and with it the connection.
  for await (const part of body) {
    bytes += part.length;
    if (bytes > maxBytes) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts);
}
