/** What is written down and said, by a host that was given secrets to spill and lines to forge. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect } from "vitest";
import { z } from "zod";
import { PairStart } from "../../src/protocol/auth-api.ts";
import { newFolder } from "../helpers/host-process.ts";
import { upgradeText, type RawAnswer } from "../helpers/raw-http.ts";
import { HostClient } from "../helpers/running-host.ts";
import { SoftDevice } from "../unit/auth/soft-device.ts";
import { attack, useHost } from "./attack.ts";
import { auditText } from "./audit-lines.ts";
import type { Bench } from "./bench.ts";

/** Heap snapshots lie beside the homes, not in them. */
const snapshots = newFolder("farhelm-heap-");
afterAll(() => rm(snapshots, { recursive: true, force: true }));

const canary = (what: string): string => `canary${what}b5f0c1d2e3`;
const headerKey = canary("HEADER");
const apiKey = canary("APIKEY");

useHost(async () => ({
  program: {
    config: `model = "m"
model_provider = "spy"
[model_providers.spy]
name = "Spy"
base_url = "http://127.0.0.1:9/v1"
wire_api = "responses"
env_key = "CANARY_API_KEY"
http_headers = { "x-api-key" = "${headerKey}" }
request_max_retries = 0
stream_max_retries = 0
`,
    env: { CANARY_API_KEY: apiKey, FARHELM_DEBUG: "1" },
    nodeFlags: ["--heapsnapshot-signal=SIGUSR2", `--diagnostic-dir=${snapshots}`],
  },
}));

/** Where keys and secrets are meant to be, each readable by its owner alone. */
const keyFiles = /^(?:\.farhelm\/(?:issuer-key\.json|pairing-link|device-keys\/|tls\/)|\.codex\/)/;

/** Every file below the user's home with its text, the files of keys left out. */
function writtenBy({ homes }: Bench): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const entry of readdirSync(homes.root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(homes.root, path);
    if (!entry.isFile() || keyFiles.test(name)) continue;
    files.set(name, readFileSync(path, "latin1"));
  }
  return files;
}

const PrivateJwk = z.object({ d: z.string().min(40) });
const issuerKey = ({ farhelmHome }: Bench): string =>
  PrivateJwk.parse(JSON.parse(readFileSync(join(farhelmHome, "issuer-key.json"), "utf8"))).d;

/** The longest texts of the files of keys that the host made for programs of this machine. */
function deviceKeyTexts({ farhelmHome }: Bench): readonly string[] {
  const folder = join(farhelmHome, "device-keys");
  return readdirSync(folder).flatMap((name) => {
    const text = readFileSync(join(folder, name), "utf8");
    const secrets = /"(?:d|privateKey\w*|pkcs8\w*|privateJwk)":\s*"([^"]+)"/g;
    return [...text.matchAll(secrets)].map(([, value]) => value ?? "");
  });
}

/** What a device sends before it shows its key. */
const { commitment } = new SoftDevice();

const relaxed = {
  accountUserId: "account",
  clientId: "client",
  protectionPolicy: "allow_os_protected_nonextractable",
};

/** Lives a short life on the host, well and badly; every secret that was part of it. */
async function spill(bench: Bench): Promise<readonly string[]> {
  const first = await bench.program.firstPairingLink();
  const paired = await bench.pair("admin");
  const renewed = await bench.renew(paired);
  const used = await bench.ticket(paired);
  await bench.ticketUpgrade(used);
  const unused = await bench.ticket({ ...paired, token: renewed });
  const offered = await bench.offer("operator");
  const headless = await bench.token("operator");
  const admin = await bench.admin();
  await admin.call("device/key/create", relaxed);

  const wrong = ["SECRET", "QUERY", "BEARER", "TICKET", "COOKIE", "BODY", "PATH", "CLIENT"];
  const [secret = "", query, bearer, ticket, cookie, body, path, client] = wrong.map(canary);
  await bench.request(PairStart.path, { secret, deviceName: "phone", commitment });
  await bench.request(PairStart.path, { code: secret, deviceName: "phone", commitment });
  await bench.request(PairStart.path, { secret: [secret], deviceName: secret });
  await bench.request(`/?token=${query}`);
  await bench.request(`/?other=${query}`, undefined, { headers: { Referer: `http://x/${query}` } });
  await bench.request(`/nothing/${path}`);
  await bench.request("/auth/connect/start", {}, { bearer: String(bearer) });
  await bench.request("/auth/token/start", { clientId: client });
  await bench.request("/auth/token/start", `{"clientId":"${body}`);
  await bench.upgrade({ Authorization: `Bearer ${bearer}`, Cookie: `session=${cookie}` });
  await bench.upgrade({ Authorization: `Basic ${bearer}` }, `/?ticket=${ticket}`);
  await bench.ticketUpgrade(String(ticket));
  await bench.ticketUpgrade(`${ticket}+`);
  await bench.request("/", undefined, { headers: { Origin: `http://${query}.example` } });
  await bench.request("/", undefined, { headers: { Host: `${query}.example` } });

  const threadId = await admin.startThread();
  const turnId = await admin.startTurn(threadId, "hello");
  await admin.until(({ method }) => method === "error");
  await admin.call("turn/interrupt", { threadId, turnId });
  await admin.turnEnded(turnId);
  return [
    new URL(first).hash.slice(1).split(".")[0] ?? "",
    paired.token,
    renewed,
    used,
    unused,
    offered.secret,
    offered.code,
    headless,
    ...wrong.map(canary),
    headerKey,
    apiKey,
    issuerKey(bench),
    ...deviceKeyTexts(bench),
  ];
}

const escape = "\u001b";
const forgedLine = `\r\n{"event":"forged"}\r\n`;
const forged = `x${escape}[2J${escape}]0;title\u0007\u009b31m\u202e${forgedLine}`;

/** Puts line ends and terminal commands wherever a name is taken. */
async function forge(bench: Bench): Promise<void> {
  const admin = await bench.admin();
  const issued = await admin.call("farhelm/token/issue", {
    name: forged,
    role: "viewer",
    ttlMs: 60_000,
  });
  await bench.upgrade({ Authorization: `Bearer ${String(issued["token"])}` });
  const { secret } = await bench.offer("viewer");
  for (const sent of ["x", secret])
    await bench.request(PairStart.path, { secret: sent, deviceName: forged, commitment });
  await bench.request("/auth/token/start", { clientId: forged });
  await bench.request(`/%0d%0a%1b%5b2J${encodeURIComponent(forgedLine)}`);
  await bench.request("/", undefined, {
    headers: { "User-Agent": `a${escape}[2Jb`, "X\u0001": "1" },
  });
  await bench.raw(`GET /${escape}[2J HTTP/1.1\r\nHost: localhost:${bench.port}\r\n\r\n`);
  await bench.raw(`${escape}[2J${forgedLine}\r\n\r\n`);
  const threadId = await admin.startThread();
  await admin.call("thread/name/set", { threadId, name: forged });
  const client = await HostClient.connect(bench.homes);
  await client.call(forged).catch(() => undefined);
  await client.call("thread/read", { threadId: forged }).catch(() => undefined);
  await client.call("fs/readFile", { path: `/${forged}` }).catch(() => undefined);
  await client.call("farhelm/devices/revoke", { id: forged }).catch(() => undefined);
  client.drop();
}

attack(
  "E11",
  "planted secrets in all output, and lines forged with CR, LF and ANSI",
  {
    expect: [
      { act: "pair.redeem", code: "pairing_invalid" },
      { act: "upgrade.refused", code: "bearer_invalid" },
      { act: "request.refused", code: "credentials_in_url" },
    ],
  },
  async (bench) => {
    const secrets = await spill(bench);
    expect(secrets.filter((secret) => secret.length < 8)).toEqual([]);
    await forge(bench);
    const listed = await bench.program.run("devices", "list");
    const asJson = await bench.program.run("devices", "list", "--json");
    const texts = new Map([
      ...writtenBy(bench),
      ["stdout and stderr", bench.said],
      ["devices list", listed.out + listed.err],
      ["devices list --json", asJson.out],
    ]);
    expect([...texts.keys()]).toEqual(
      expect.arrayContaining([".farhelm/farhelm.sqlite", expect.stringMatching(/audit.*jsonl$/)]),
    );
    const found = [...texts].flatMap(([name, text]) =>
      secrets.filter((secret) => text.includes(secret)).map((secret) => [name, secret]),
    );
    expect(found).toEqual([]);

    const audit = auditText(bench.farhelmHome);
    for (const text of [bench.said, audit, listed.out, asJson.out]) {
      // C0 and C1 controls but the line's end, and what turns text around.
      expect(text).not.toMatch(/[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/u);
    }
    const lines = `${bench.said}${audit}`.split("\n").filter((line) => line.startsWith("{"));
    const events = lines.map((line) => Object(JSON.parse(line))["event"]);
    expect(lines.length).toBeGreaterThan(20);
    expect(events).not.toContain("forged");
    for (const name of [".farhelm", ".farhelm/issuer-key.json", ".farhelm/farhelm.sqlite"]) {
      expect(statSync(join(bench.homes.root, name)).mode & 0o077).toBe(0);
    }
    return {
      tried: secrets.length,
      admitted: found.length,
      files: texts.size,
      lines: lines.length,
    };
  },
);

const type = (value: string) => ({ headers: { "Content-Type": value } });

/** What a body must not tell of the machine or the program. */
const revealing =
  /node_modules|\bat .+:\d+:\d+|file:\/\/|\.[cm]?[jt]s\b|\/(?:tmp|home|usr|var|srv)\/|fastify|node\/|v?\d+\.\d+\.\d+\b(?!\.\d)|sqlite|errno|stack/i;

attack(
  "E12",
  "errors provoked everywhere, for stacks, paths and versions in their bodies",
  {
    expect: [
      { act: "request.refused", code: "invalid_json" },
      { act: "request.refused", code: "not_json" },
      { act: "request.refused", code: "body_too_large" },
    ],
  },
  async (bench) => {
    const Host = `localhost:${bench.port}`;
    const bearer = await bench.token("viewer");
    const answers: RawAnswer[] = [
      await bench.request("/nothing"),
      await bench.request("/%zz"),
      await bench.request("/auth/nothing", {}),
      await bench.request("/assets/../../package.json"),
      await bench.request("/ws"),
      await bench.request("/auth/pair/start", "{"),
      await bench.request("/auth/pair/start", ""),
      await bench.request("/auth/pair/start", "x", type("text/plain")),
      await bench.request("/auth/pair/start", "{}", type("application/json\t; charset=x")),
      await bench.request("/auth/pair/start", { secret: "x".repeat(70_000) }),
      await bench.request("/auth/pair/start", { secret: 1 }),
      await bench.request("/auth/pair/start", { secret: "x", deviceName: "y" }),
      await bench.request("/auth/pair/finish", { challengeId: "x" }),
      await bench.request("/auth/connect/start", {}),
      await bench.request("/auth/connect/start", {}, { bearer: "x.y.z" }),
      await bench.request("/", undefined, { headers: { Host: "evil.example" } }),
      await bench.request("/healthz", "x"),
      await bench.raw("\u0016\u0003\u0001\r\n\r\n"),
      await bench.raw(`GET / HTTP/1.1\r\nHost: ${Host}\r\nA: ${"a".repeat(20_000)}\r\n\r\n`),
      await bench.upgrade({}),
      await bench.upgrade({ Authorization: "Bearer x" }),
      await bench.upgrade({ "Sec-WebSocket-Version": "8" }),
      await bench.raw(upgradeText("/", { Host }, "POST")),
    ];
    expect(answers.filter(({ status }) => status < 400)).toEqual([]);
    const heads = answers.flatMap(({ headers }) => [headers["server"], headers["x-powered-by"]]);
    expect(heads.filter((value) => value !== undefined)).toEqual([]);
    const bodies = answers.map(({ body }) => body);
    const client = await bench.clientAs("operator");
    const wrong: readonly [string, object][] = [
      ["thread/read", { threadId: "x" }],
      ["thread/resume", { threadId: "00000000-0000-7000-8000-000000000000" }],
      ["thread/start", { cwd: 7 }],
      ["thread/start", { modelProvider: "none" }],
      ["turn/start", { threadId: "00000000-0000-7000-8000-000000000000", input: [] }],
      ["fs/readFile", { path: "\ud800" }],
      ["fs/readFile", { path: "/\ud800" }],
      ["command/exec", { command: ["\0"] }],
      ["command/exec/write", { processId: "x", deltaBase64: "%" }],
      ["nothing", {}],
    ];
    for (const [method, params] of wrong) {
      const refusal: unknown = await client.call(method, params).catch((error: unknown) => error);
      if (refusal instanceof Error) bodies.push(refusal.message);
    }
    const told = bodies.filter((body) => revealing.test(body));
    expect(told).toEqual([]);
    expect(bearer).not.toBe("");
    return { tried: bodies.length, admitted: told.length };
  },
);

/** Has the host write its heap, and reads it. */
async function heapOf({ program }: Bench): Promise<Buffer> {
  process.kill(program.pid, "SIGUSR2");
  for (let sizeBefore = -1; ; await sleep(300)) {
    const name = readdirSync(snapshots).find((file) => file.endsWith(".heapsnapshot"));
    if (name === undefined) continue;
    const { size } = statSync(join(snapshots, name));
    if (size > 0 && size === sizeBefore) return readFileSync(join(snapshots, name));
    sizeBefore = size;
  }
}

attack(
  "C22",
  "private keys in answers, in files that may be read, and in the host's heap",
  { expect: { act: "call", code: "protected_path" }, timeoutMs: 120_000 },
  async (bench) => {
    const admin = await bench.admin();
    const made = await admin.call("device/key/create", { ...relaxed, clientId: "other" });
    const paired = await bench.pair("operator");
    const device = await bench.connect(paired);
    const token = await bench.token("viewer");
    const { farhelmHome } = bench.homes;
    const hidden = ["issuer-key.json", "farhelm.sqlite", "device-keys", "audit", ""];
    const answers: string[] = [JSON.stringify(made)];
    for (const client of [admin, device]) {
      for (const name of hidden) {
        for (const method of ["fs/readFile", "fs/readDirectory"]) {
          const path = join(farhelmHome, name);
          const answer: unknown = await client.call(method, { path }).catch(String);
          answers.push(JSON.stringify(answer));
        }
      }
      const { keyId } = made;
      for (const call of ["device/key/public", "device/key/export", "device/key/sign"]) {
        answers.push(JSON.stringify(await client.call(call, { keyId }).catch(String)));
      }
      answers.push(JSON.stringify(await client.call("config/read", {}).catch(String)));
      answers.push(JSON.stringify(await client.call("farhelm/host/read", {}).catch(String)));
    }
    for (const path of ["/.well-known/jwks.json", "/ca.crt", "/issuer-key.json", "/nothing"])
      answers.push((await bench.request(path)).body);
    const own = issuerKey(bench);
    const keys = [own, ...deviceKeyTexts(bench)];
    expect(keys.length).toBeGreaterThan(1);
    const leaked = answers.filter(
      (text) => keys.some((key) => text.includes(key)) || /"d":|PRIVATE KEY/.test(text),
    );
    expect(leaked).toEqual([]);

    const heap = await heapOf(bench);
    // It is the heap of this host: what it knows is in it.
    expect(heap.includes(paired.clientId)).toBe(true);
    // Neither what clients keep, nor keys of others that the host once read, nor a token that it made.
    expect(heap.includes(paired.device.privateScalar)).toBe(false);
    expect(deviceKeyTexts(bench).filter((key) => heap.includes(key))).toEqual([]);
    expect(heap.includes(token)).toBe(false);
    // Its own signing key it must have: in native memory, which a snapshot does not show.
    const ownKey = heap.includes(own) ? "in the heap" : "not among the heap's texts";
    const heapMb = Math.round(heap.length / 1024 / 1024);
    return { tried: answers.length + keys.length, admitted: leaked.length, heapMb, ownKey };
  },
);
