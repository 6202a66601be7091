/** TLS for the machines around, under an authority of the host's own. */
import type { DevTls } from "../crypto/dev-tls.ts";
import { localNames } from "../crypto/local-names.ts";
import type { Transport } from "../transport/server.ts";

const oneDayMs = 24 * 60 * 60 * 1000;

export interface TlsFolders {
  readonly farhelmHome: string;
  /** Where people find the public certificate of the authority. */
  readonly certsFolder: string;
}

/** Loaded only where it is wanted: the certificate library costs more than the rest of the start. */
export async function devTls({ farhelmHome, certsFolder }: TlsFolders): Promise<DevTls> {
  const { keepDevTls } = await import("../crypto/dev-tls.ts");
  return keepDevTls({
    farhelmHome,
    certsFolder,
    names: localNames(),
    nowMs: Date.now(),
  });
}

/** Until the interval is cleared. */
export function renewDaily(
  transport: Transport,
  address: { caFingerprint: string | undefined },
  folders: TlsFolders,
): NodeJS.Timeout {
  const renew = async (): Promise<void> => {
    const { keyPem, certPem, caDigest } = await devTls(folders);
    address.caFingerprint = caDigest;
    transport.renewTls({ key: keyPem, cert: certPem });
  };
  return setInterval(() => void renew(), oneDayMs).unref();
}

export const lanNotices = (url: string, tls: DevTls): readonly string[] => [
  `Other machines trust this host once they have its authority: ${url}/ca.crt`,
  `SHA-256 of the authority, to compare before installing it: ${tls.caFingerprint}`,
  ...(tls.omitted.length > 0 ? [`Not certified: ${tls.omitted.join(", ")}`] : []),
];
