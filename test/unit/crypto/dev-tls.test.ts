import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeLeaf } from "../../../src/crypto/dev-ca.ts";
import { caCertFile, keepDevTls, type DevTls } from "../../../src/crypto/dev-tls.ts";
import { localNames } from "../../../src/crypto/local-names.ts";

const dayMs = 24 * 60 * 60 * 1000;
const names = {
  dnsNames: ["Devbox", "devbox.local"],
  addresses: ["192.168.1.20", "fd00::20", "fe80::1:2", "203.0.113.9", "2001:db8::1"],
};

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;
// oxlint-disable-next-line no-console -- a skipped case must be seen
if (!hasOpenssl) console.warn("SKIPPED: there is no openssl, its verdict on the CA was not asked");

const openssl = (...args: string[]): string =>
  execFileSync("openssl", args, { encoding: "utf8", stdio: "pipe" });

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe("the development CA", () => {
  const folder = mkdtempSync(join(tmpdir(), "farhelm-tls-"));
  const certsFolder = join(folder, "certs");
  const farhelmHome = join(folder, "home");
  const startMs = Date.now();
  const keep = (nowMs = startMs, wanted = names): Promise<DevTls> =>
    keepDevTls({ farhelmHome, certsFolder, names: wanted, nowMs });
  let tls: DevTls;

  beforeAll(async () => {
    tls = await keep();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const verifies = (leafPem: string): boolean => {
    try {
      const ca = file("verify-ca.pem", tls.caCertPem);
      openssl("verify", "-x509_strict", "-CAfile", ca, file("verify-leaf.pem", leafPem));
      return true;
    } catch {
      return false;
    }
  };

  it.skipIf(!hasOpenssl)("is critical in its limits and certifies what it may", () => {
    const text = openssl("x509", "-in", file("ca.pem", tls.caCertPem), "-noout", "-text");
    expect(text).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
    expect(text).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign/);
    const constraints = /Name Constraints: critical\s+Permitted:([\s\S]*?)X509v3/.exec(text)?.[1];
    expect(constraints?.split("\n").flatMap((line) => line.trim() || [])).toEqual([
      "DNS:localhost",
      "DNS:devbox",
      "DNS:devbox.local",
      "IP:127.0.0.0/255.0.0.0",
      "IP:10.0.0.0/255.0.0.0",
      "IP:172.16.0.0/255.240.0.0",
      "IP:192.168.0.0/255.255.0.0",
      "IP:169.254.0.0/255.255.0.0",
      "IP:100.64.0.0/255.192.0.0",
      "IP:0:0:0:0:0:0:0:1/FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF",
      "IP:FC00:0:0:0:0:0:0:0/FE00:0:0:0:0:0:0:0",
      "IP:FE80:0:0:0:0:0:0:0/FFC0:0:0:0:0:0:0:0",
    ]);
    expect(verifies(tls.certPem)).toBe(true);
    expect(tls.omitted).toEqual(["203.0.113.9", "2001:db8::1"]);
    const printed = openssl(
      "x509",
      "-in",
      file("ca.pem", tls.caCertPem),
      "-noout",
      "-fingerprint",
      "-sha256",
    );
    expect(printed.trim().split("=")[1]).toBe(tls.caFingerprint);
  });

  it.skipIf(!hasOpenssl)("is of no use for other names, even to one who has its key", async () => {
    const ca = {
      certPem: tls.caCertPem,
      keyPem: readFileSync(join(farhelmHome, "tls/ca.key"), "utf8"),
    };
    const outcomes: Record<string, boolean> = {};
    for (const wanted of [
      { dnsNames: ["example.com"], addresses: [] },
      { dnsNames: ["localhost", "devbox.example.com"], addresses: [] },
      { dnsNames: [], addresses: ["8.8.8.8"] },
      { dnsNames: [], addresses: ["2001:db8::1"] },
      { dnsNames: ["devbox"], addresses: ["10.1.2.3"] },
    ]) {
      const leaf = await makeLeaf(ca, wanted, startMs);
      outcomes[[...wanted.dnsNames, ...wanted.addresses].join(" ")] = verifies(leaf.certPem);
    }
    expect(outcomes).toEqual({
      "example.com": false,
      "localhost devbox.example.com": false,
      "8.8.8.8": false,
      "2001:db8::1": false,
      "devbox 10.1.2.3": true,
    });
  });

  it("serves TLS that a client with the CA accepts by name and by address", async () => {
    const server = createServer({ cert: tls.certPem, key: tls.keyPem }, (socket) =>
      socket.end("hello"),
    );
    server.on("tlsClientError", () => undefined);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const port = portOf(server.address());
    const greet = async (servername: string, ca: string | undefined): Promise<string> => {
      const host = servername === "127.0.0.1" ? {} : { servername };
      const socket = connect({
        host: "127.0.0.1",
        port,
        ...host,
        ...(ca === undefined ? {} : { ca }),
      });
      try {
        const [data]: unknown[] = await once(socket, "data");
        return String(data);
      } catch (error) {
        return error instanceof Error && "code" in error ? String(error.code) : "failed";
      } finally {
        socket.destroy();
      }
    };
    expect({
      localhost: await greet("localhost", tls.caCertPem),
      name: await greet("devbox.local", tls.caCertPem),
      address: await greet("127.0.0.1", tls.caCertPem),
      otherName: await greet("example.com", tls.caCertPem),
      withoutCa: await greet("localhost", undefined),
    }).toEqual({
      localhost: "hello",
      name: "hello",
      address: "hello",
      otherName: "ERR_TLS_CERT_ALTNAME_INVALID",
      withoutCa: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    });
    server.close();
    await once(server, "close");
  });

  it("keeps keys to their owner and shows the public certificate", () => {
    expect({
      folder: mode(join(farhelmHome, "tls")),
      ca: mode(join(farhelmHome, "tls/ca.key")),
      host: mode(join(farhelmHome, "tls/host.key")),
      published: readFileSync(join(certsFolder, caCertFile), "utf8"),
    }).toEqual({ folder: "700", ca: "600", host: "600", published: tls.caCertPem });
    expect(tls.caCertPem).not.toContain("PRIVATE");
  });

  it("stays as it is until a renewal is due, and keeps the CA then", async () => {
    expect(await keep()).toEqual(tls);
    expect(await keep(startMs + 366 * dayMs)).toEqual(tls);
    const renewed = await keep(startMs + 368 * dayMs);
    expect(renewed.caCertPem).toBe(tls.caCertPem);
    expect(renewed.certPem).not.toBe(tls.certPem);
    const later = await keep(startMs + 3640 * dayMs);
    expect(later.caCertPem).not.toBe(tls.caCertPem);
  });

  it("makes a new leaf for new addresses and says which names the CA does not cover", async () => {
    const first = await keep();
    const moved = await keep(startMs, { dnsNames: ["other"], addresses: ["10.0.0.7"] });
    expect(moved.caCertPem).toBe(first.caCertPem);
    expect(moved.certPem).not.toBe(first.certPem);
    expect(moved.omitted).toEqual(["other"]);
  });

  it("replaces a leaf whose files a crash left in disorder", async () => {
    const first = await keep();
    writeFileSync(join(farhelmHome, "tls/host.key"), "torn");
    const repaired = await keep();
    expect(repaired.caCertPem).toBe(first.caCertPem);
    expect(repaired.keyPem).toContain("PRIVATE KEY");
  });

  it("can be made for the names of the machine it runs on", async () => {
    const made = await keepDevTls({
      farhelmHome: join(folder, "other"),
      certsFolder,
      names: localNames(),
      nowMs: startMs,
    });
    expect(made.certPem).toContain("BEGIN CERTIFICATE");
  });
});

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("not listening");
  return address.port;
}
