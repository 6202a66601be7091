import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  certificate,
  clock,
  hostVersion,
  secretFiles,
  versions,
} from "../../../src/cli/doctor-machine.ts";
import { keepDevTls } from "../../../src/crypto/dev-tls.ts";
import { HostClient, startOn, stopHosts, temporaryHomes } from "../../helpers/running-host.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "farhelm-doctor-"));
});
afterEach(async () => {
  await stopHosts();
  rmSync(home, { recursive: true });
});

test("the home of a host that runs has nothing wrong with it", async () => {
  const homes = temporaryHomes("");
  await startOn(homes);
  await HostClient.connect(homes);
  const { farhelmHome } = homes;
  expect([secretFiles(farhelmHome), clock(farhelmHome, Date.now())]).toEqual([
    { state: "ok", text: "files of FARHELM_HOME are its owner's" },
    { state: "ok", text: "clock" },
  ]);
});

test("a key that others may read is named, with the command", () => {
  const file = join(home, "issuer-key.json");
  writeFileSync(file, "{}", { mode: 0o600 });
  expect(secretFiles(home).state).toBe("ok");
  chmodSync(file, 0o644);
  expect(secretFiles(home)).toEqual({
    state: "FAIL",
    text: `1 files of FARHELM_HOME are open to others, ${file} among them; chmod -R go= ${home}`,
  });
});

test("a clock that went back is noticed", () => {
  const file = join(home, "farhelm.sqlite");
  writeFileSync(file, "");
  const aheadS = Date.now() / 1000 + 3600;
  utimesSync(file, aheadS, aheadS);
  expect(clock(home, Date.now())).toMatchObject({
    state: "FAIL",
    text: expect.stringMatching(/^the clock is 3(599|600|601) s behind .* set it right/),
  });
});

test("a certificate is good, over, broken, or not there", async () => {
  expect(certificate(home, Date.now()).state).toBe("note");
  mkdirSync(join(home, "certs"));
  const names = { dnsNames: [], addresses: [] };
  const certsFolder = join(home, "certs");
  await keepDevTls({ farhelmHome: home, certsFolder, names, nowMs: Date.now() });
  expect(certificate(home, Date.now())).toMatchObject({
    state: "ok",
    text: expect.stringMatching(/^TLS: certificate good for \d+ days$/),
  });
  expect(certificate(home, Date.now() + 4000 * 86_400_000)).toMatchObject({ state: "FAIL" });
  const file = join(home, "tls", "host.crt");
  writeFileSync(file, readFileSync(file, "utf8").slice(0, 100));
  expect(certificate(home, Date.now())).toMatchObject({
    state: "FAIL",
    text: expect.stringContaining("cannot be read"),
  });
});

test("a host that runs another version says so over control.sock, and is to be started again", async () => {
  const homes = temporaryHomes("");
  await startOn(homes, { version: "1.2.3" });
  const { version } = await (await HostClient.connect(homes)).call("farhelm/host/read");
  expect(hostVersion("1.2.3", String(version))).toEqual({
    state: "ok",
    text: "a host is running, Farhelm 1.2.3",
  });
  expect(hostVersion("1.3.0", String(version))).toEqual({
    state: "FAIL",
    text: "the running host is Farhelm 1.2.3, this command is 1.3.0; stop it and start it again from this folder (npm start)",
  });
});

test("versions are those of this program and of the protocol", () => {
  expect(versions("9.9.9").text).toMatch(/^Farhelm 9\.9\.9, protocol \d+\.\d+\.\d+$/);
});
