/** Keeps the development CA and the host's certificate in files. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  certificateFingerprint,
  coveredNames,
  isFresh,
  isLeafFor,
  isPair,
  makeCa,
  makeLeaf,
  type CertifiedKey,
  type ServerNames,
} from "./dev-ca.ts";
import { readPrivateFile, replacePrivateFile } from "./private-file.ts";

export interface DevTls {
  readonly caCertPem: string;
  /** SHA-256 of the CA certificate, upper-case hex with colons; for people to compare. */
  readonly caFingerprint: string;
  /** The same as unpadded base64url, for pairing links. */
  readonly caDigest: string;
  /** Of the host, for `tls.createServer` or `setSecureContext`. */
  readonly certPem: string;
  readonly keyPem: string;
  /** Names and addresses that were asked for and are not certified: public addresses, names that the CA may not give. */
  readonly omitted: readonly string[];
}

/** The file name of the public CA certificate in the `certs` folder. */
export const caCertFile = "farhelm-dev-ca.crt";

/**
 * Gives a certificate for `names` and `localhost` with both loopback addresses, made or renewed
 * where needed (also 30 days before it ends: call it at start and daily). Keys are kept 0600 in
 * `farhelmHome/tls`, the public CA certificate in `certsFolder` too. Throws when files cannot be
 * read or written.
 */
export async function keepDevTls(options: {
  readonly farhelmHome: string;
  readonly certsFolder: string;
  readonly names: ServerNames;
  readonly nowMs: number;
}): Promise<DevTls> {
  const { farhelmHome, certsFolder, nowMs } = options;
  const wanted = {
    dnsNames: unique(["localhost", ...options.names.dnsNames.map((name) => name.toLowerCase())]),
    addresses: unique(["127.0.0.1", "::1", ...options.names.addresses]),
  };
  const folder = join(farhelmHome, "tls");
  const caFiles = { cert: join(folder, "ca.crt"), key: join(folder, "ca.key") };
  const leafFiles = { cert: join(folder, "host.crt"), key: join(folder, "host.key") };

  const storedCa = readPair(caFiles);
  const ca =
    storedCa !== undefined && isFresh(storedCa.certPem, nowMs)
      ? storedCa
      : writePair(caFiles, await makeCa(wanted.dnsNames, nowMs));

  const names = coveredNames(ca.certPem, wanted);
  const storedLeaf = readPair(leafFiles);
  const leaf =
    storedLeaf !== undefined &&
    isFresh(storedLeaf.certPem, nowMs) &&
    isLeafFor(storedLeaf.certPem, ca.certPem, names)
      ? storedLeaf
      : writePair(leafFiles, await makeLeaf(ca, names, nowMs));

  publish(join(certsFolder, caCertFile), certsFolder, ca.certPem);
  const certified = new Set([...names.dnsNames, ...names.addresses]);
  const caFingerprint = certificateFingerprint(ca.certPem);
  return {
    caCertPem: ca.certPem,
    caFingerprint,
    caDigest: Buffer.from(caFingerprint.replaceAll(":", ""), "hex").toString("base64url"),
    ...leaf,
    omitted: [...wanted.dnsNames, ...wanted.addresses].filter((name) => !certified.has(name)),
  };
}

const unique = (values: readonly string[]): string[] => [...new Set(values)];

interface PairFiles {
  readonly cert: string;
  readonly key: string;
}

function readPair(files: PairFiles): CertifiedKey | undefined {
  const certPem = readPrivateFile(files.cert);
  const keyPem = readPrivateFile(files.key);
  if (certPem === undefined || keyPem === undefined) return undefined;
  return isPair(certPem, keyPem) ? { certPem, keyPem } : undefined;
}

function writePair(files: PairFiles, pair: CertifiedKey): CertifiedKey {
  replacePrivateFile(files.key, pair.keyPem);
  replacePrivateFile(files.cert, pair.certPem);
  return pair;
}

function publish(path: string, folder: string, certPem: string): void {
  mkdirSync(folder, { recursive: true });
  if (readText(path) === certPem) return;
  writeFileSync(`${path}.part`, certPem);
  renameSync(`${path}.part`, path);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
