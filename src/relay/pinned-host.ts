/** The way to one host: HTTP calls and WebSocket upgrades, over TLS that trusts what the pairing link said. */
import { X509Certificate } from "node:crypto";
import type { ClientRequest, IncomingMessage } from "node:http";
import { request as httpRequest } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import type { HttpPost } from "../client/auth-calls.ts";
import { Unreachable } from "../client/auth-calls.ts";
import { Refused } from "../client/refused.ts";
import { sha256Base64url } from "../crypto/digest.ts";

/** Longer than the longest wait that a call asks the host for. */
const callTimeoutMs = 35_000;
/** Answers under /auth/ are a few KiB. */
const maxAnswerBytes = 256 * 1024;

export interface PinnedHost {
  readonly origin: string;
  /** PEM of the only authority that counts; undefined: those that Node knows. */
  readonly caPem: string | undefined;
}

/** As `fetch` would, with the host's authority. Rejects with `Refused` when the certificate does not hold. */
export const postTo =
  (host: PinnedHost): HttpPost =>
  async (url, { method, headers, body }) => {
    const request = start(host, url, { method, headers: { ...headers, connection: "close" } });
    request.end(body);
    const response = await answered(request);
    const text = await bodyOf(response, maxAnswerBytes);
    return { status: response.statusCode ?? 0, text: async () => text };
  };

/**
 * The host's development authority, from the host itself: taken only if its digest is the one in the link.
 * The certificate of that connection proves nothing, and nothing is sent on it.
 */
export async function fetchAuthority(origin: string, fingerprint: string): Promise<string> {
  const host = { origin, caPem: undefined };
  const request = start(host, `${origin}/ca.crt`, { method: "GET", rejectUnauthorized: false });
  request.end();
  const response = await answered(request);
  const pem = await bodyOf(response, maxAnswerBytes);
  const certificate = response.statusCode === 200 ? certificateIn(pem) : undefined;
  if (certificate?.ca !== true || sha256Base64url(certificate.raw) !== fingerprint) {
    throw new Refused(0, {
      code: "ca_mismatch",
      message:
        "What answers at this address does not have the authority that the link names. Nothing was sent.",
      nextStep:
        "Check the address. If the host was set up anew, run `npx farhelm pair` on it and use the new link.",
    });
  }
  return certificate.toString();
}

/** Starts a request; one connection each, without redirects. */
export function start(
  { origin, caPem }: PinnedHost,
  url: string,
  options: RequestOptions,
): ClientRequest {
  // Said aloud, because the environment can change the default.
  const strict = { agent: false as const, timeout: callTimeoutMs, rejectUnauthorized: true };
  const common = { ...strict, ...options };
  const request = origin.startsWith("https:")
    ? httpsRequest(url, { ...common, minVersion: "TLSv1.2", ...(caPem && { ca: [caPem] }) })
    : httpRequest(url, common);
  request.once("timeout", () => request.destroy(new Error("the host takes too long to answer")));
  return request;
}

const answered = (request: ClientRequest): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    request.once("response", resolve);
    request.once("error", (error) => reject(unreachable(error)));
  });

/** The whole body as text, of at most so many bytes. */
export async function bodyOf(response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response) {
      if (!Buffer.isBuffer(chunk)) continue;
      size += chunk.length;
      if (size > maxBytes) throw new Error("the answer is too long");
      chunks.push(chunk);
    }
  } catch (error) {
    response.destroy();
    throw unreachable(error);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** What a failed request means: somebody else's certificate, or no way to the host. */
export function unreachable(cause: unknown): Refused | Unreachable {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (!isAboutCertificate.test(code)) {
    return new Unreachable("The host cannot be reached.", { cause });
  }
  return new Refused(0, {
    code: "certificate_refused",
    message: `The certificate at this address is not the host's (${code}). Nothing was sent.`,
    nextStep:
      "Check the address. If the host was set up anew, run `npx farhelm pair` on it and use the new link.",
  });
}

/** Codes of OpenSSL's verification and of Node's comparison of names. */
const isAboutCertificate = /CERT|SELF_SIGNED|LEAF_SIGNATURE|ISSUER/;

function certificateIn(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}
