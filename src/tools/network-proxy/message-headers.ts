/** The headers of a message that goes on: none that is about the connection it came by (RFC 9110, section 7.6.1). */
import type { IncomingMessage } from "node:http";

type Headers = Record<string, string | string[]>;

const ofConnection: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Chunks may come with every method, and only where they are declared does the next host read them as a body. */
const isChunked = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined;

export const hasBody = (message: IncomingMessage): boolean =>
  isChunked(message) || message.headers["content-length"] !== undefined;

/** `host` is the one that was judged, whatever the request says. */
export function forwardedHeaders(request: IncomingMessage, host: string): Headers {
  return {
    ...endToEnd(request, ["host", "expect"]),
    host,
    connection: "close",
    ...(isChunked(request) ? { "transfer-encoding": "chunked" } : {}),
  };
}

export const returnedHeaders = (answer: IncomingMessage): Headers => endToEnd(answer, []);

function endToEnd(
  { headers, headersDistinct }: IncomingMessage,
  others: readonly string[],
): Headers {
  const named = (headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  const left = new Set([...ofConnection, ...named, ...others]);
  left.delete("content-length");
  return Object.fromEntries(
    Object.entries(headersDistinct).flatMap(([name, values]) =>
      left.has(name) || !values ? [] : [[name, values.length === 1 ? (values[0] ?? "") : values]],
    ),
  );
}
