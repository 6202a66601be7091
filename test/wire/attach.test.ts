/** This machine as a device of a host over TLS, for clients that hold no key: `farhelm attach` without its command line. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { RunningHost } from "../../src/cli/host.ts";
import { Refused } from "../../src/client/refused.ts";
import { attach, type AttachOptions, type Attachment } from "../../src/relay/attach.ts";
import {
  configFor,
  HostClient,
  startOn,
  stop,
  stopHosts,
  temporaryHomes,
  type Homes,
} from "../helpers/running-host.ts";

let homes: Homes;
let host: RunningHost;
/** FARHELM_HOME of the machine that attaches. */
let farhelmHome: string;
const attachments = new Set<Attachment>();

/** The host with TLS, as on a local network; on its old port when it comes back. */
async function up(of: Homes, port = 0): Promise<RunningHost> {
  return startOn(of, { lan: true, listen: { host: "127.0.0.1", port } });
}

beforeEach(async () => {
  homes = temporaryHomes(configFor("http://127.0.0.1:9/v1"));
  farhelmHome = join(homes.root, "attached");
  host = await up(homes);
});
afterEach(async () => {
  for (const attachment of attachments) await attachment.close();
  attachments.clear();
  await stopHosts();
});

interface Seen {
  readonly waits: (readonly string[])[];
  readonly refused: Error[];
}

async function attached(
  address: string,
  changes: Partial<AttachOptions> = {},
): Promise<Attachment & Seen> {
  const seen: Seen = { waits: [], refused: [] };
  const attachment = await attach({
    address,
    farhelmHome,
    socketPath: undefined,
    deviceName: "test machine",
    signal: new AbortController().signal,
    onWait: ({ words }) => void seen.waits.push(words),
    onRefused: (error) => void seen.refused.push(error),
    ...changes,
  });
  attachments.add(attachment);
  return { ...attachment, ...seen };
}

const firstLink = (): string => host.pairing?.url ?? "";
const port = (): number => Number(new URL(host.url).port);

async function newLink(role = "admin"): Promise<{ url: string; id: string; admin: HostClient }> {
  const admin = await HostClient.connect(homes);
  const offer = await admin.call("farhelm/pair/offer", { role });
  return { url: String(offer["url"]), id: String(offer["id"]), admin };
}

/** A stock client's side: no credential, no Origin. */
const socketTo = ({ socketPath }: Attachment): WebSocket =>
  new WebSocket(`ws+unix://${socketPath}:/rpc`, { perMessageDeflate: false });
const clientOf = (attachment: Attachment): Promise<HostClient> =>
  HostClient.initialized(socketTo(attachment));

/** How an upgrade is answered that is not let through. */
async function turnedAway(
  { socketPath }: Attachment,
  headers: Record<string, string> = {},
): Promise<{ status: number | undefined; text: string }> {
  const upgrade = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": Buffer.alloc(16).toString("base64"),
  };
  const call = request({ socketPath, path: "/", headers: { ...upgrade, ...headers } }).end();
  const [response] = await once(call, "response");
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, text: text.trim() };
}

async function refusalOf(outcome: Promise<unknown>): Promise<string> {
  try {
    await outcome;
    return "taken";
  } catch (error) {
    return error instanceof Refused ? error.code : String(error);
  }
}

/** As a program that was killed leaves it: a file on which nobody answers. */
const leaveSocket = (path: string): void => {
  const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", script]);
};

const modes = (...paths: readonly string[]): readonly string[] =>
  paths.map((path) => (statSync(join(farhelmHome, path)).mode & 0o777).toString(8));

describe("a machine that attaches", () => {
  test("pairs by the link, over TLS that trusts the link's authority, and lets clients through", async () => {
    const attachment = await attached(firstLink());
    expect(attachment).toMatchObject({ origin: host.url, isNew: true, waits: [] });
    const client = await clientOf(attachment);
    const { data } = await client.call("farhelm/devices/list");
    expect(data).toMatchObject([{ name: "test machine", kind: "device", role: "admin" }]);

    const names = readdirSync(join(farhelmHome, "attach"));
    const folder = names.find((name) => !name.endsWith(".sock")) ?? "";
    const socket = names.find((name) => name.endsWith(".sock")) ?? "";
    expect(firstLink()).toContain(`.${folder}.`);
    const file = `attach/${folder}/device.json`;
    expect(modes("attach", `attach/${folder}`, file, `attach/${socket}`)).toEqual([
      "700",
      "700",
      "600",
      "600",
    ]);
  });

  test("needs the address alone from then on, also after a restart of the host", async () => {
    await (await attached(firstLink())).close();
    const sentBefore = port();
    await stop(host);
    host = await up(homes, sentBefore);
    const attachment = await attached(host.url);
    expect(attachment.isNew).toBe(false);
    const client = await clientOf(attachment);
    expect(await client.call("farhelm/host/read")).toMatchObject({ defaultCwd: homes.cwd });
  });

  test("carries several clients at once, large messages, and the end of each", async () => {
    const attachment = await attached(firstLink());
    const clients = await Promise.all([1, 2, 3].map(() => clientOf(attachment)));
    const value = "x".repeat(1_000_000);
    const echoes = await Promise.all(
      clients.map((client) => client.call("mock/experimentalMethod", { value })),
    );
    expect(echoes.map(({ echoed }) => echoed === value)).toEqual([true, true, true]);
    clients[0]?.sendText("x".repeat(17 * 1024 * 1024));
    expect(await clients[0]?.closed).toBe(1009);
    expect(await clients[1]?.call("mock/experimentalMethod", { value: "still" })).toEqual({
      echoed: "still",
    });
  });

  test("waits for an admin where one must confirm, and both show the same words", async () => {
    await attached(firstLink());
    const { url, id, admin } = await newLink("viewer");
    const second = join(homes.root, "second");
    const shown: (readonly string[])[] = [];
    const waiting = attached(url, {
      farhelmHome: second,
      deviceName: "second",
      onWait: ({ words }) => void shown.push(words),
    });
    const proved = await admin.until(
      ({ method, params }) =>
        method === "farhelm/pair/changed" && Object(params?.["pairing"])["phase"] === "proved",
    );
    expect(Object(proved.params?.["pairing"])["request"]).toMatchObject({ deviceName: "second" });
    await expect
      .poll(() => shown)
      .toEqual([Object(proved.params?.["pairing"])["request"]["words"]]);
    await admin.call("farhelm/pair/confirm", { id });
    const client = await clientOf(await waiting);
    await expect(client.call("farhelm/devices/list")).rejects.toThrow("needs the role admin");
  });

  test("that is not confirmed says so, keeps nothing, and can be told to give up", async () => {
    await attached(firstLink());
    const second = join(homes.root, "second");
    const { url, id, admin } = await newLink();
    const waiting = refusalOf(attached(url, { farhelmHome: second }));
    await admin.until(
      ({ method, params }) =>
        method === "farhelm/pair/changed" && Object(params?.["pairing"])["phase"] === "proved",
    );
    await admin.call("farhelm/pair/refuse", { id });
    expect(await waiting).toBe("pairing_declined");

    const stopping = new AbortController();
    const { url: another } = await newLink();
    const onWait = (): void => stopping.abort(new Error("stopped"));
    const given = attached(another, { farhelmHome: second, signal: stopping.signal, onWait });
    expect(await refusalOf(given)).toBe("Error: stopped");
    expect(await refusalOf(attached(host.url, { farhelmHome: second }))).toBe("not_attached");
    expect(existsSync(join(second, "attach"))).toBe(false);
  });
});

describe("revocation", () => {
  test("reaches the client as its close code, and ends the attachment with the reason", async () => {
    const attachment = await attached(firstLink());
    const client = await clientOf(attachment);
    const admin = await HostClient.connect(homes);
    const { data } = await admin.call("farhelm/devices/list");
    const [device] = Array.isArray(data) ? data : [];
    await admin.call("farhelm/devices/revoke", { id: device.id });
    expect(await client.closed).toBe(4001);
    expect((await attachment.ended).code).toBe("device_revoked");
    expect(await turnedAway(attachment)).toMatchObject({
      status: 401,
      text: expect.stringContaining("The access of this device was revoked."),
    });
  });
});

test("a host that was restored from a backup is known by what it said before", async () => {
  const attachment = await attached(firstLink());
  const before = port();
  const database = (): readonly string[] =>
    readdirSync(homes.farhelmHome).filter((name) => name.startsWith("farhelm.sqlite"));
  const backup = join(homes.root, "backup");
  await stop(host);
  for (const file of database()) cpSync(join(homes.farhelmHome, file), join(backup, file));
  host = await up(homes, before);
  const admin = await HostClient.connect(homes);
  const { id } = await admin.call("farhelm/token/issue", {
    name: "ci",
    role: "viewer",
    ttlMs: 60_000,
  });
  await admin.call("farhelm/devices/revoke", { id });
  (await clientOf(attachment)).drop();
  await stop(host);
  for (const file of database()) rmSync(join(homes.farhelmHome, file));
  for (const file of readdirSync(backup)) cpSync(join(backup, file), join(homes.farhelmHome, file));
  host = await up(homes, before);
  expect((await turnedAway(attachment)).text).toContain("restored from a backup");
  expect(attachment.refused).toMatchObject([{ code: "host_restored" }]);
});

describe("the socket", () => {
  test("takes no request of a page, and nothing but upgrades", async () => {
    const attachment = await attached(firstLink());
    expect(await turnedAway(attachment, { origin: host.url })).toMatchObject({ status: 403 });
    expect(await turnedAway(attachment, { origin: "null" })).toMatchObject({ status: 403 });
    expect(await turnedAway(attachment, { "sec-websocket-version": "8" })).toMatchObject({
      status: 426,
    });
    expect(await turnedAway(attachment, { "sec-websocket-key": "short" })).toMatchObject({
      status: 400,
    });
    expect(await turnedAway(attachment, { connection: "close", upgrade: "" })).toMatchObject({
      status: 426,
    });
  });

  test("of an attachment that died is replaced, one that lives is refused", async () => {
    const { socketPath } = await attached(firstLink());
    expect(await refusalOf(attached(host.url))).toContain(
      `another program answers on ${socketPath}`,
    );
    await [...attachments][0]?.close();
    leaveSocket(socketPath);
    expect(statSync(socketPath).isSocket()).toBe(true);
    const client = await clientOf(await attached(host.url));
    expect(await client.call("farhelm/host/read")).toMatchObject({ defaultCwd: homes.cwd });
  });

  test("may be chosen, where nobody else can open the folder", async () => {
    const folder = join(homes.root, "mine");
    mkdirSync(folder, { mode: 0o755 });
    const socketPath = join(folder, "a.sock");
    expect(await refusalOf(attached(firstLink(), { socketPath }))).toContain(
      `${folder} is open to others`,
    );
    expect(statSync(folder).mode & 0o777).toBe(0o755);
    const inNew = join(homes.root, "new", "a.sock");
    const client = await clientOf(await attached(host.url, { socketPath: inNew }));
    expect(await client.call("farhelm/host/read")).toMatchObject({ defaultCwd: homes.cwd });
  });
});

describe("a host that is not there", () => {
  test("is told to the client in a sentence, and comes back by itself", async () => {
    const attachment = await attached(firstLink());
    const before = port();
    await stop(host);
    expect(await turnedAway(attachment)).toEqual({
      status: 502,
      text: "The host cannot be reached.",
    });
    expect(attachment.refused).toHaveLength(1);
    host = await up(homes, before);
    const client = await clientOf(attachment);
    expect(await client.call("farhelm/host/read")).toMatchObject({ defaultCwd: homes.cwd });
  });
});

/** Another host on the port of the first, as who can answer at its address. */
async function impostor(prepare: (of: Homes) => void): Promise<void> {
  const before = port();
  await stop(host);
  const others = temporaryHomes(configFor("http://127.0.0.1:9/v1"));
  prepare(others);
  host = await up(others, before);
}
/** The impostor has the real authority and its keys. */
const stealTls = (others: Homes): void => {
  cpSync(join(homes.farhelmHome, "tls"), join(others.farhelmHome, "tls"), { recursive: true });
};

describe("somebody in between", () => {
  test("with another authority is refused at pairing, before anything is sent", async () => {
    const link = firstLink();
    await impostor(() => {});
    expect(await refusalOf(attached(link))).toBe("ca_mismatch");
    expect(existsSync(join(farhelmHome, "attach"))).toBe(false);
  });

  test("with the authority and another host key is refused at pairing", async () => {
    // A link with the fingerprint of one host and the secret of the other: as good as the impostor can get.
    const [, hostFingerprint = ""] = firstLink().split(".");
    await impostor(stealTls);
    const [secret = "", , authority = ""] = firstLink().split(".");
    const link = `${secret}.${hostFingerprint}.${authority}`;
    expect(await refusalOf(attached(link))).toBe("host_mismatch");
    expect(existsSync(join(farhelmHome, "attach"))).toBe(false);
  });

  test("with another authority is refused at a connection", async () => {
    const attachment = await attached(firstLink());
    await impostor(() => {});
    expect(await turnedAway(attachment)).toMatchObject({
      status: 502,
      text: expect.stringContaining("The certificate at this address is not the host's"),
    });
    expect(attachment.refused).toMatchObject([{ code: "certificate_refused" }]);
  });

  test("with the authority and another host key gets no proof at a connection", async () => {
    const attachment = await attached(firstLink());
    await impostor((others) => {
      stealTls(others);
      // It knows all devices, too.
      for (const file of readdirSync(homes.farhelmHome)) {
        if (!file.startsWith("farhelm.sqlite")) continue;
        cpSync(join(homes.farhelmHome, file), join(others.farhelmHome, file));
      }
    });
    expect(await turnedAway(attachment)).toMatchObject({ status: 502 });
    expect(attachment.refused).toMatchObject([{ code: "host_mismatch" }]);
  });

  test("cannot have TLS left out", async () => {
    const link = firstLink().replace("https://localhost", "http://192.168.1.5");
    expect(await refusalOf(attached(link))).toBe("plain_http");
    const withoutAuthority = firstLink().split(".").slice(0, 2).join(".");
    expect(await refusalOf(attached(withoutAuthority))).toBe("certificate_refused");
  });
});

test("without TLS a host on this machine will do", async () => {
  const others = temporaryHomes(configFor("http://127.0.0.1:9/v1"));
  const plain = await startOn(others);
  const client = await clientOf(await attached(plain.pairing?.url ?? ""));
  expect(await client.call("farhelm/host/read")).toMatchObject({ defaultCwd: others.cwd });
  rmSync(join(farhelmHome, "attach"), { recursive: true, force: true });
});
