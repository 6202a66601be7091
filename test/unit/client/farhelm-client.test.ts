import { generateKeyPairSync } from "node:crypto";
import { afterEach, expect, test, vi } from "vitest";
import { MemoryKeyStore } from "../../../src/client/device-key.ts";
import { pairDevice } from "../../../src/client/pairing.ts";
import { CallRefused, ConnectionLost } from "../../../src/client/rpc-peer.ts";
import { wordList } from "../../../src/protocol/pairing-words.ts";
import { clientOf, connectedClient, pairedClient, stopClients } from "./client-bench.ts";
import { hostFingerprint, MemoryHost } from "./memory-host.ts";

afterEach(stopClients);

test("a paired device proves itself and offers its ticket after the protocol's name", async () => {
  const { host, steps, client } = await connectedClient();
  expect(steps).toEqual(["makingKey", "asking", "proving", "saving"]);
  expect(host.paths).toEqual([
    "/auth/host",
    "/auth/pair/start",
    "/auth/pair/finish",
    "/auth/connect/start",
    "/auth/connect/finish",
  ]);
  expect(host.lastSocket.protocols).toEqual(["farhelm.v1", "farhelm.ticket.TICKET"]);
  expect(host.lastSocket.calls.map(({ method }) => method)).toEqual(["initialize", "initialized"]);
  expect(client.role).toBe("admin");
});

test("a device that comes back without a token renews it by proof", async () => {
  const { host, keyStore } = await pairedClient();
  host.paths.length = 0;
  const { client, listener } = clientOf(host, keyStore);
  const connected = listener.next("connected");
  client.start();
  await connected;
  expect(host.paths).toEqual([
    "/auth/token/start",
    "/auth/token/finish",
    "/auth/connect/start",
    "/auth/connect/finish",
  ]);
});

test("answers find their calls, errors reject, and what is new passes through", async () => {
  const { host, client, listener } = await connectedClient();
  host.answers["thread/read"] = () => ({ error: { code: -32_600, message: "no such thread" } });
  host.answers["model/list"] = () => ({ result: { data: [], nextCursor: null } });
  const refused = client.call("thread/read", { threadId: "x" });
  await expect(refused).rejects.toEqual(
    new CallRefused({ code: -32_600, message: "no such thread" }),
  );
  expect(await client.call("model/list", {})).toEqual({ data: [], nextCursor: null });
  host.lastSocket.push({ method: "some/thing/new", params: { a: 1 } });
  host.lastSocket.push({ id: "q1", method: "item/fileChange/requestApproval", params: {} });
  expect(listener.events.slice(-2)).toEqual([
    ["notified", { method: "some/thing/new", params: { a: 1 } }],
    ["asked", { id: "q1", method: "item/fileChange/requestApproval", params: {} }],
  ]);
  client.answer("q1", "item/fileChange/requestApproval", { decision: "accept" });
  expect(host.lastSocket.answers).toEqual([{ id: "q1", result: { decision: "accept" } }]);
});

test("calls in flight reject when the socket drops and are not sent again", async () => {
  const { host, client, listener } = await connectedClient();
  const call = client.call("turn/start", { threadId: "t", input: [] });
  const waiting = listener.next("waiting");
  host.lastSocket.drop();
  await expect(call).rejects.toBeInstanceOf(ConnectionLost);
  await waiting;
  await expect(client.call("model/list", {})).rejects.toBeInstanceOf(ConnectionLost);
  const connected = listener.next("connected");
  client.wake();
  await connected;
  expect(host.lastSocket.calls.map(({ method }) => method)).not.toContain("turn/start");
});

test("watched threads are resumed on every connection, others are not", async () => {
  const { host, client, listener } = await connectedClient();
  host.answers["thread/resume"] = (params) => ({ result: { thread: params } });
  host.answers["thread/unsubscribe"] = () => ({ result: {} });
  const first = listener.next("resumed");
  client.watch("a");
  await first;
  client.watch("b");
  client.watch("c");
  client.unwatch("c");
  host.lastSocket.drop();
  const connected = listener.next("connected");
  client.wake();
  await connected;
  await client.call("thread/resume", { threadId: "flush" });
  const resumed = host.lastSocket.calls.filter(({ method }) => method === "thread/resume");
  expect(resumed.map(({ params }) => params)).toEqual([
    { threadId: "a" },
    { threadId: "b" },
    { threadId: "flush" },
  ]);
});

test("a thread that cannot be resumed is reported once", async () => {
  const { host, client, listener } = await connectedClient();
  host.answers["thread/resume"] = () => ({ error: { code: -32_600, message: "gone" } });
  const failed = listener.next("resumeFailed");
  client.watch("a");
  expect(await failed).toEqual(["a", "gone"]);
});

test.each([
  [4001, "revoked", "`npx farhelm pair`"],
  [4002, "expired", "`npx farhelm pair`"],
  [4004, "host_restored", "`npx farhelm devices confirm-restore`"],
])("close code %i signs the device out for good", async (code, name, command) => {
  const { host, client } = await connectedClient();
  const paths = host.paths.length;
  host.lastSocket.drop(code);
  expect(client.state).toMatchObject({
    kind: "signedOut",
    reason: { code: name, nextStep: expect.stringContaining(command) },
  });
  client.wake();
  client.networkChanged(true);
  expect(host.paths).toHaveLength(paths);
});

test("the host's access generation is kept, told, and never goes back", async () => {
  const { host, client, listener, keyStore } = await connectedClient();
  const known = async () => (await keyStore.load())?.known;
  expect(await known()).toEqual({ accessGeneration: 0, generationStatement: "stated-0" });
  host.lastSocket.push({
    method: "farhelm/access/generation",
    params: { accessGeneration: 7, generationStatement: "stated-7" },
  });
  await expect.poll(known).toEqual({ accessGeneration: 7, generationStatement: "stated-7" });
  // This host counts less and lets the device in all the same: it is not what it was.
  const signedOut = listener.next("signedOut");
  host.lastSocket.drop();
  client.wake();
  expect(await signedOut).toMatchObject({ reason: { code: "host_restored" } });
  expect(host.starts.at(-1)).toMatchObject({ knownGeneration: 7, generationStatement: "stated-7" });
  expect(await known()).toMatchObject({ accessGeneration: 7 });
  host.accessGeneration = 8;
  const connected = listener.next("connected");
  client.start();
  await connected;
  expect(await known()).toEqual({ accessGeneration: 8, generationStatement: "stated-8" });
});

test("after a change of the access the client comes back with a new token", async () => {
  const { host, client, listener } = await connectedClient();
  host.paths.length = 0;
  const waiting = listener.next("waiting");
  host.lastSocket.drop(4003, "what this access allows has changed");
  expect(await waiting).toMatchObject({ reason: "what this access allows has changed" });
  const connected = listener.next("connected");
  client.wake();
  await connected;
  expect(host.paths.slice(0, 2)).toEqual(["/auth/token/start", "/auth/token/finish"]);
});

test("a token that is refused is renewed once; a device that is refused is signed out", async () => {
  const { host, client, listener } = await connectedClient();
  host.refusals.set("/auth/connect/start", { status: 401, code: "tokenEnded" });
  const signedOut = listener.next("signedOut");
  host.lastSocket.drop();
  client.wake();
  expect(await signedOut).toEqual({
    kind: "signedOut",
    reason: { code: "tokenEnded", message: "No.", nextStep: "npx farhelm pair" },
  });
  expect(host.paths.slice(-4)).toEqual([
    "/auth/connect/start",
    "/auth/token/start",
    "/auth/token/finish",
    "/auth/connect/start",
  ]);
});

test("too many requests and a host that is away are waited out", async () => {
  const { host, client, listener } = await connectedClient();
  host.refusals.set("/auth/connect/start", { status: 429, code: "tooMany" });
  host.lastSocket.drop();
  const limited = listener.next("waiting");
  client.wake();
  expect(await limited).toMatchObject({ kind: "waiting", reason: "No." });
  host.refusals.clear();
  host.reachable = false;
  const away = listener.next("waiting");
  client.wake();
  expect(await away).toMatchObject({ reason: "The host cannot be reached." });
  host.reachable = true;
  const connected = listener.next("connected");
  client.wake();
  await connected;
});

test("a browser without a key is told to pair, without a single request", async () => {
  const host = new MemoryHost();
  const { client, listener } = clientOf(host);
  const signedOut = listener.next("signedOut");
  client.start();
  expect(await signedOut).toMatchObject({ reason: { code: "not_paired" } });
  expect(host.paths).toEqual([]);
});

test("a challenge for another origin is not signed", async () => {
  const host = new MemoryHost({ secret: "s3", claimedOrigin: "https://evil.example" });
  await expect(pairedClient(host)).rejects.toMatchObject({ code: "origin_mismatch" });
  expect(host.paths).toEqual(["/auth/host", "/auth/pair/start"]);
});

test("a device that must be confirmed shows four words and asks until it is, over a lost network too", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  const decisions = ["waiting" as const, "lost" as const, "enrolled" as const];
  const paired = pairedClient(new MemoryHost({ secret: "s3", decisions }));
  const asked = (): number => 3 - decisions.length;
  while (asked() < 2) await new Promise(setImmediate);
  await vi.advanceTimersByTimeAsync(2_000);
  vi.useRealTimers();
  const { steps, waits, host, keyStore } = await paired;
  expect(steps).toEqual(["makingKey", "asking", "proving", "waiting", "saving"]);
  expect(host.paths.filter((path) => path === "/auth/pair/status")).toHaveLength(3);
  expect(waits).toEqual([{ words: expect.any(Array), untilMs: expect.any(Number) }]);
  expect(waits[0]?.words.every((word) => wordList.includes(word))).toBe(true);
  expect(waits[0]?.words).toHaveLength(4);
  expect(await keyStore.load()).toMatchObject({ clientId: "cli_1", hostFingerprint });
});

test("an admin who says no is told at once, and nothing is kept", async () => {
  const host = new MemoryHost({ secret: "s3", decisions: ["waiting"] });
  host.refusals.set("/auth/pair/status", { status: 403, code: "pairing_declined" });
  await expect(pairedClient(host)).rejects.toMatchObject({ code: "pairing_declined" });
});

const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
const otherJwk = other.publicKey.export({ format: "jwk" });
const inHeader =
  (changes: object) =>
  (host: MemoryHost): void => {
    host.forge = ({ header, claims }) => ({ header: { ...header, ...changes }, claims });
  };
const inClaims =
  (changes: object) =>
  (host: MemoryHost): void => {
    host.forge = ({ header, claims }) => ({ header, claims: { ...claims, ...changes } });
  };
const forgeries: readonly (readonly [string, (host: MemoryHost) => void])[] = [
  ["another key", inHeader({ jwk: otherJwk })],
  ["no key", inHeader({ jwk: null })],
  ["a signature of another key", (host) => (host.signer = other.privateKey)],
  ["another type of token", inHeader({ typ: "farhelm-device+jwt" })],
  ["no algorithm", inHeader({ alg: "none" })],
  ["another origin", inClaims({ aud: "https://evil.example" })],
  ["an older nonce", inClaims({ nonce: "o".repeat(43) })],
  ["another challenge", inClaims({ challenge: "ch_0" })],
  ["another host's name", inClaims({ iss: "urn:farhelm:host:x" })],
];

test.each(forgeries)("a host that shows %s gets no signature", async (_what, forge) => {
  const host = new MemoryHost({ secret: "s3" });
  forge(host);
  await expect(pairedClient(host)).rejects.toMatchObject({ code: "host_mismatch" });
  expect(host.paths).toEqual(["/auth/host"]);

  const paired = await pairedClient();
  forge(paired.host);
  const { client, listener } = clientOf(paired.host, paired.keyStore);
  const signedOut = listener.next("signedOut");
  paired.host.paths.length = 0;
  client.start();
  expect(await signedOut).toMatchObject({ reason: { code: "host_mismatch" } });
  expect(paired.host.paths).toEqual(["/auth/token/start"]);
});

test("a link of another host is refused before its secret is told or anything is signed", async () => {
  const host = new MemoryHost({ secret: "s3" });
  const { origin, post } = host;
  const options = { origin, post, keyStore: new MemoryKeyStore(), deviceName: "Phone" };
  const pairing = pairDevice({
    ...options,
    way: { secret: "s3" },
    hostFingerprint: "f".repeat(43),
  });
  await expect(pairing).rejects.toMatchObject({ code: "host_mismatch" });
  expect(host.paths).toEqual(["/auth/host"]);
});

test("without a network nothing is tried until it is back", async () => {
  const { host, client, listener } = await connectedClient();
  host.lastSocket.drop();
  client.networkChanged(false);
  expect(client.state).toEqual({ kind: "offline", attempt: 1 });
  const connected = listener.next("connected");
  client.networkChanged(true);
  await connected;
  expect(host.sockets).toHaveLength(2);
});
