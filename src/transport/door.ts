/** What every request and every upgrade must pass before anything else looks at it. */
import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import type { RequestFacts } from "../auth/port.ts";
import type { AllowedOrigins } from "./allowed-origins.ts";
import { peerOf } from "./peer.ts";
import type { Refusal } from "./refusal.ts";

/** Headers that decide something here; Node silently keeps the first of two. */
const onlyOnce = new Set(["host", "origin", "authorization", "content-type", "upgrade"]);
const secretParams = new Set([
  "token",
  "access_token",
  "id_token",
  "refresh_token",
  "ticket",
  "bearer",
  "authorization",
  "secret",
]);

export class Door {
  readonly #origins: AllowedOrigins;
  readonly #trustedProxies: ReadonlySet<string>;

  constructor(origins: AllowedOrigins, trustedProxies: readonly string[]) {
    this.#origins = origins;
    this.#trustedProxies = new Set(trustedProxies);
  }

  /** Why the request must not go on; undefined when it may. */
  refusal(request: IncomingMessage): Refusal | undefined {
    const target = request.url ?? "";
    if (!target.startsWith("/")) return absoluteTarget;
    if (repeatsHeader(request.rawHeaders)) return repeatedHeader;
    if (this.#origins.ofHost(request.headers.host ?? "") === undefined) return foreignHost;
    const { origin } = request.headers;
    if (origin !== undefined && !this.#origins.allows(origin)) return foreignOrigin;
    return carriesCredentials(target) ? credentialsInUrl : undefined;
  }

  /** What is known of a request that passed. */
  facts(request: IncomingMessage): RequestFacts {
    const { address, loopback, forwarded } = peerOf(request, this.#trustedProxies);
    const origin = request.headers.origin ?? this.hostOrigin(request) ?? this.#origins.canonical;
    const tls = request.socket instanceof TLSSocket;
    return { address, loopback, tls, forwarded, origin };
  }

  /** The origin that the Host header stands for. */
  hostOrigin(request: IncomingMessage): string | undefined {
    return this.#origins.ofHost(request.headers.host ?? "");
  }
}

/**
 * A browser's own word that a page of another site asks for data. Requests that carry an Origin were judged by it;
 * this catches those that carry none (images, scripts, forms by GET).
 */
export function isForeignFetch({ headers }: IncomingMessage): boolean {
  const site = headers["sec-fetch-site"];
  if (site === undefined || site === "same-origin" || site === "none") return false;
  return headers["sec-fetch-mode"] !== "navigate";
}

function repeatsHeader(rawHeaders: readonly string[]): boolean {
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? "";
    if (seen.has(name)) return true;
    if (onlyOnce.has(name)) seen.add(name);
  }
  return false;
}

function carriesCredentials(target: string): boolean {
  const at = target.indexOf("?");
  if (at === -1) return false;
  for (const key of new URLSearchParams(target.slice(at)).keys()) {
    const name = key.toLowerCase();
    if (secretParams.has(name) || name.startsWith("farhelm")) return true;
  }
  return false;
}

const absoluteTarget: Refusal = {
  status: 400,
  code: "absolute_target",
  message: "The request target must be a path.",
  nextStep: "This host is no proxy; ask it for a path under its own address.",
};

const repeatedHeader: Refusal = {
  status: 400,
  code: "repeated_header",
  message: "A header that may stand once was sent twice.",
  nextStep: "Send Host, Origin, Authorization, Content-Type and Upgrade at most once.",
};

const foreignHost: Refusal = {
  status: 403,
  code: "host_not_allowed",
  message: "This host does not answer to that name.",
  nextStep:
    "Open the address that `npx farhelm up` printed, or start the host with `--allowed-host NAME`.",
};

export const foreignOrigin: Refusal = {
  status: 403,
  code: "origin_not_allowed",
  message: "Pages of that origin may not use this host.",
  nextStep: "Open the dashboard of this host.",
  silent: true,
};

const credentialsInUrl: Refusal = {
  status: 400,
  code: "credentials_in_url",
  message: "Credentials in a URL end up in logs and histories; they are not read from there.",
  nextStep:
    "Send the token as `Authorization: Bearer TOKEN`, and replace it: treat the one in the URL as known to others.",
};
