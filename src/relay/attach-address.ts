/** What is given to `farhelm attach`: a host's address, or a pairing link of it. */
import { Refused } from "../client/refused.ts";
import { readPairingLink } from "../protocol/pairing-link.ts";

export interface AttachAddress {
  /** Scheme, host and port, without a slash at the end. */
  readonly origin: string;
  /** Undefined: a plain address, for a host that is paired already. */
  readonly link:
    | {
        readonly secret: string;
        /** RFC 7638 thumbprint of the host's key. */
        readonly hostFingerprint: string;
        /** SHA-256 of the DER of the only authority that counts; undefined: those of the system. */
        readonly caFingerprint: string | undefined;
      }
    | undefined;
}

/** Throws `Refused` for what is neither, for plain HTTP to another machine, and for a link that pins nothing. */
export function readAttachAddress(text: string): AttachAddress {
  const trimmed = text.trim();
  if (!URL.canParse(trimmed)) throw notAnAddress();
  const url = new URL(trimmed);
  const { protocol, hostname, pathname, username, password, search, hash, origin } = url;
  const isPlace = protocol === "https:" || protocol === "http:";
  if (!isPlace || username !== "" || password !== "" || search !== "") throw notAnAddress();
  if (protocol === "http:" && !isLoopback(hostname)) throw plainHttp(origin);
  if (hash === "") {
    if (pathname !== "/") throw notAnAddress();
    return { origin, link: undefined };
  }
  const link = pathname === "/pair" ? readPairingLink(hash) : undefined;
  if (link === undefined) throw notAnAddress();
  const { secret, hostFingerprint, caFingerprint } = link;
  if (hostFingerprint === undefined) throw pinsNothing();
  return { origin, link: { secret, hostFingerprint, caFingerprint } };
}

const isLoopback = (hostname: string): boolean =>
  /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);

/** Nothing of the text is repeated: it may hold a secret. */
const notAnAddress = (): Refused =>
  new Refused(0, {
    code: "bad_address",
    message: "This is neither a host's address nor a pairing link.",
    nextStep:
      "Give the whole link that `npx farhelm pair` prints on the host, in quotes; once paired, `https://HOST:PORT` will do.",
  });

const pinsNothing = (): Refused =>
  new Refused(0, {
    code: "link_without_fingerprint",
    message:
      "This link does not say which key the host has, so the host could not be told from another.",
    nextStep: "Give the whole link that `npx farhelm pair` prints on the host, in quotes.",
  });

const plainHttp = (origin: string): Refused =>
  new Refused(0, {
    code: "plain_http",
    message: `${origin} is another machine, and plain HTTP can be read and changed on the way.`,
    nextStep:
      "Start the host with `npx farhelm up --lan` or behind a TLS proxy, and use its https address.",
  });
