/**
 * Under which names this host answers. Exact strings on both sides: a Host header and an Origin header
 * are compared as they came, so look-alikes, trailing dots and odd spellings of an address all miss.
 */
import { isIPv6 } from "node:net";

export interface OriginOptions {
  readonly tls: boolean;
  readonly publicOrigin?: string;
  readonly allowedHosts: readonly string[];
}

const localNames = ["localhost", "127.0.0.1", "[::1]"] as const;

export class AllowedOrigins {
  readonly #options: OriginOptions;
  readonly #origins = new Set<string>();
  /** A Host header's text -> the origin that it stands for. */
  readonly #hosts = new Map<string, string>();
  readonly #local = new Set<string>();
  #canonical = "";

  /** Throws an Error with a sentence when a name is not one. */
  constructor(options: OriginOptions) {
    this.#options = options;
    if (options.publicOrigin !== undefined) parseOrigin(options.publicOrigin, "--public-origin");
    // With any port: only to refuse bad names before anything is bound.
    for (const entry of options.allowedHosts) originsOf(entry, "http", 1);
  }

  /** Fills the lists; before it nothing is allowed. */
  settle(port: number): void {
    const { tls, publicOrigin, allowedHosts } = this.#options;
    const scheme = tls ? "https" : "http";
    for (const name of localNames) {
      const { origin } = new URL(`${scheme}://${name}:${port}`);
      this.#local.add(origin);
      this.#add(origin);
    }
    if (publicOrigin !== undefined) this.#add(publicOrigin);
    for (const entry of allowedHosts) {
      for (const origin of originsOf(entry, scheme, port)) this.#add(origin);
    }
    this.#canonical = publicOrigin ?? new URL(`${scheme}://localhost:${port}`).origin;
  }

  /** Where pages belong. */
  get canonical(): string {
    return this.#canonical;
  }

  allows(origin: string): boolean {
    return this.#origins.has(origin);
  }

  /** The origin that a Host header stands for, if it is one of ours. */
  ofHost(host: string): string | undefined {
    return this.#hosts.get(host);
  }

  /**
   * Where a page asked for under `origin` is to be shown instead. Without `--public-origin` only the local names
   * are gathered: someone who came by the machine's address cannot reach its `localhost`.
   */
  redirectFrom(origin: string): string | undefined {
    if (origin === this.#canonical) return undefined;
    const gathered = this.#options.publicOrigin !== undefined || this.#local.has(origin);
    return gathered ? this.#canonical : undefined;
  }

  #add(origin: string): void {
    const { host, port, protocol } = new URL(origin);
    this.#origins.add(origin);
    const names = port === "" ? [host, `${host}:${protocol === "https:" ? 443 : 80}`] : [host];
    for (const name of names) if (!this.#hosts.has(name)) this.#hosts.set(name, origin);
  }
}

function originsOf(entry: string, scheme: "http" | "https", port: number): readonly string[] {
  if (entry.includes("://")) return [parseOrigin(entry, "--allowed-host")];
  const name = isIPv6(entry) ? `[${entry}]` : entry;
  const hasPort = /:\d+$/.test(name);
  if (!hasPort) {
    return [parseHost(name, `${scheme}://${name}:${port}`), parseHost(name, `https://${name}`)];
  }
  return [parseHost(name, name.endsWith(`:${port}`) ? `${scheme}://${name}` : `https://${name}`)];
}

function parseOrigin(text: string, option: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const web = url?.protocol === "https:" || url?.protocol === "http:";
  if (url && web && url.origin === text) return text;
  throw new Error(
    `${option} ${JSON.stringify(text)} is not an origin; write scheme, name and, if needed, port, for example ${option} https://box.example.com`,
  );
}

function parseHost(name: string, url: string): string {
  const bare = name.replace(/:\d+$/, "");
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed && parsed.hostname === bare && !bare.endsWith(".")) return parsed.origin;
  throw new Error(
    `--allowed-host ${JSON.stringify(name)} is not a host name; write it in lower case without a path, for example --allowed-host box.example.com`,
  );
}
