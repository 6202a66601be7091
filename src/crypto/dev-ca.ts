/**
 * A development CA for one host. Whoever trusts it trusts it for this host's names and for private
 * addresses only: its name constraints are critical.
 */
// oxlint-disable-next-line import/no-unassigned-import -- x509 needs it to be there first
import "reflect-metadata";
import { createPrivateKey, webcrypto, X509Certificate as NodeCertificate } from "node:crypto";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import {
  isPrivateAddress,
  nameConstraintsOid,
  permitsName,
  permittedNames,
} from "./name-constraints.ts";

export interface CertifiedKey {
  readonly certPem: string;
  /** PKCS #8. */
  readonly keyPem: string;
}

/** What a certificate is for: DNS names and IP addresses as text. */
export interface ServerNames {
  readonly dnsNames: readonly string[];
  readonly addresses: readonly string[];
}

const dayMs = 24 * 60 * 60 * 1000;
const caLifeMs = 10 * 365 * dayMs;
/** Below the 398 days that browsers accept. */
const leafLifeMs = 397 * dayMs;
/** Certificates begin in the past, for clients whose clock is behind. */
const backdateMs = 60 * 60 * 1000;
const renewBeforeMs = 30 * dayMs;

const keyAlgorithm = { name: "ECDSA", namedCurve: "P-256" };
const signingAlgorithm = { name: "ECDSA", hash: "SHA-256" };

/** Makes a CA that may name `dnsNames`, all below them, and private addresses. */
export async function makeCa(dnsNames: readonly string[], nowMs: number): Promise<CertifiedKey> {
  const keys = await webcrypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]);
  const cert = await X509CertificateGenerator.createSelfSigned({
    name: `CN=Farhelm development CA (${dnsNames[0] ?? "localhost"})`,
    keys,
    signingAlgorithm,
    notBefore: new Date(nowMs - backdateMs),
    notAfter: new Date(nowMs + caLifeMs),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      new Extension(nameConstraintsOid, true, Uint8Array.from(permittedNames(dnsNames))),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certPem: cert.toString("pem"), keyPem: await privatePem(keys.privateKey) };
}

/** Which of the names the CA may certify. */
export function coveredNames(caPem: string, names: ServerNames): ServerNames {
  const constraints = new X509Certificate(caPem).getExtension(nameConstraintsOid)?.value;
  return {
    dnsNames: names.dnsNames.filter(
      (name) => constraints !== undefined && permitsName(new Uint8Array(constraints), name),
    ),
    addresses: names.addresses.filter(isPrivateAddress),
  };
}

/** Makes a server certificate for names that the CA covers. */
export async function makeLeaf(
  ca: CertifiedKey,
  names: ServerNames,
  nowMs: number,
): Promise<CertifiedKey> {
  const issuer = new X509Certificate(ca.certPem);
  const keys = await webcrypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]);
  const cert = await X509CertificateGenerator.create({
    subject: "CN=Farhelm host",
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey: await importPrivatePem(ca.keyPem),
    signingAlgorithm,
    notBefore: new Date(nowMs - backdateMs),
    notAfter: new Date(Math.min(nowMs + leafLifeMs, issuer.notAfter.getTime())),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([
        ...names.dnsNames.map((value) => ({ type: "dns" as const, value })),
        ...names.addresses.map((value) => ({ type: "ip" as const, value })),
      ]),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return { certPem: cert.toString("pem"), keyPem: await privatePem(keys.privateKey) };
}

/** SHA-256 over the certificate's DER, upper-case hex with colons. */
export const certificateFingerprint = (certPem: string): string =>
  new NodeCertificate(certPem).fingerprint256;

/** Whether both texts can be read and the key is the certificate's: false for what a crash left behind. */
export function isPair(certPem: string, keyPem: string): boolean {
  try {
    return new NodeCertificate(certPem).checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false;
  }
}

/** Whether the certificate is valid now and for the next 30 days. */
export function isFresh(certPem: string, nowMs: number): boolean {
  const { notBefore, notAfter } = new X509Certificate(certPem);
  return notBefore.getTime() <= nowMs && nowMs + renewBeforeMs < notAfter.getTime();
}

/** Whether `ca` signed the leaf and the leaf is for exactly these names. */
export function isLeafFor(leafPem: string, caPem: string, names: ServerNames): boolean {
  const leaf = new NodeCertificate(leafPem);
  const ca = new NodeCertificate(caPem);
  if (!leaf.checkIssued(ca) || !leaf.verify(ca.publicKey)) return false;
  const alternatives = new X509Certificate(leafPem).getExtension(SubjectAlternativeNameExtension);
  const held = alternatives?.names.items.map(({ type, value }) => `${type}:${value}`) ?? [];
  const wanted = [
    ...names.dnsNames.map((name) => `dns:${name}`),
    ...names.addresses.map((address) => `ip:${address}`),
  ];
  return held.toSorted().join() === wanted.toSorted().join();
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey("pkcs8", key);
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join("\n")}\n-----END PRIVATE KEY-----\n`;
}

function importPrivatePem(pem: string): Promise<webcrypto.CryptoKey> {
  const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ""), "base64");
  return webcrypto.subtle.importKey("pkcs8", der, keyAlgorithm, false, ["sign"]);
}
