import { statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { verifyAudit } from "../../src/audit/verify.ts";
import type { AuditLine } from "../helpers/audit-lines.ts";
import { auditLines } from "../helpers/audit-lines.ts";
import { rawExchange, upgradeText } from "../helpers/raw-http.ts";
import { HostClient, startOn, stop, stopHosts, temporaryHomes } from "../helpers/running-host.ts";

afterEach(stopHosts);

/** A line without what changes from run to run. */
const told = ({ act, outcome, code, who, address, about }: AuditLine): object => ({
  act,
  outcome,
  ...(code !== undefined && { code }),
  kind: Object(who)["kind"],
  address,
  about,
});

test("a day of a host: who came, what was refused, who was shut out", async () => {
  const homes = temporaryHomes("");
  const host = await startOn(homes);
  const port = Number(new URL(host.url).port);
  const admin = await HostClient.connect(homes);
  const viewer = await HostClient.connectAs("viewer", host, admin);
  await rawExchange({ port }, upgradeText("/", { Host: `localhost:${port}` }));
  await rawExchange({ port }, upgradeText("/", { Host: "evil.example" }));
  const forged = { Host: `localhost:${port}`, Authorization: "Bearer e30.e30.AA" };
  await rawExchange({ port }, upgradeText("/", forged));
  await expect(viewer.call("thread/start")).rejects.toThrow("needs the role operator");
  const threadId = await admin.startThread();
  await admin.call("thread/list");
  const { data } = await admin.call("farhelm/devices/list");
  const id = String(Object(Object(data)[0])["id"]);
  await admin.call("farhelm/devices/revoke", { id });
  await viewer.closed;
  await admin.call("farhelm/devices/revoke", { id });
  await stop(host);

  const address = "127.0.0.1";
  const local = { kind: "local", address: "control.sock" };
  const stranger = { kind: "unknown", address };
  const ofHost = { kind: "host", address: "" };
  const lines = auditLines(homes.farhelmHome);
  expect(lines.filter(({ act }) => act !== "audit.checkpoint").map(told)).toEqual([
    { act: "host.start", outcome: "done", ...ofHost, about: { version: "0.0.0" } },
    {
      act: "pair.offer",
      outcome: "done",
      ...ofHost,
      about: { pairing: expect.any(String), role: "admin", first: true },
    },
    { act: "session.open", outcome: "done", ...local, about: { role: "admin" } },
    {
      act: "token.issue",
      outcome: "done",
      ...local,
      about: { id, name: "viewer", role: "viewer", expiresAtMs: expect.any(Number) },
    },
    { act: "session.open", outcome: "done", kind: "headless", address, about: { role: "viewer" } },
    refused("bearer_missing", 401, stranger),
    refused("host_not_allowed", 403, stranger),
    refused("bearer_invalid", 401, stranger),
    {
      act: "call",
      outcome: "denied",
      code: "role",
      kind: "headless",
      address,
      about: { method: "thread/start" },
    },
    { act: "call", outcome: "done", ...local, about: { method: "thread/start" } },
    { act: "call", outcome: "done", ...local, about: { method: "farhelm/devices/list" } },
    { act: "access.revoke", outcome: "done", ...local, about: { id } },
    {
      act: "session.close",
      outcome: "done",
      kind: "headless",
      address,
      about: { role: "viewer", code: 4001 },
    },
    { act: "access.revoke", outcome: "failed", code: "not_found", ...local, about: { id } },
    { act: "session.close", outcome: "done", ...local, about: { role: "admin", code: 1001 } },
    { act: "host.stop", outcome: "done", ...ofHost, about: { version: "0.0.0" } },
  ]);
  expect(lines.map(({ sequence }) => sequence)).toEqual(lines.map((_line, index) => index + 1));
  expect(threadId).not.toBe("");
  expect(statSync(join(homes.farhelmHome, "audit")).mode & 0o777).toBe(0o700);
  expect(await verifyAudit({ dir: join(homes.farhelmHome, "audit") })).toContain(
    "as it was written",
  );
});

test("an answer of one who was not asked, and an option that is above the role", async () => {
  const homes = temporaryHomes("");
  const host = await startOn(homes);
  const admin = await HostClient.connect(homes);
  const viewer = await HostClient.connectAs("viewer", host, admin);
  viewer.sendText(JSON.stringify({ id: 41, result: { decision: "accept" } }));
  viewer.sendText(JSON.stringify({ id: "canary-text", result: { decision: "accept" } }));
  const operator = await HostClient.connectAs("operator", host, admin);
  await expect(operator.call("thread/start", { sandbox: "danger-full-access" })).rejects.toThrow(
    "needs the role admin",
  );
  await expect(operator.call("fs/readFile", { path: homes.farhelmHome })).rejects.toThrow("keys");
  await stop(host);

  const denied = auditLines(homes.farhelmHome).filter(({ outcome }) => outcome === "denied");
  const [address, kind] = ["127.0.0.1", "headless"];
  expect(denied.map(told)).toEqual(
    [
      { act: "approval.answer", code: "not_waiting", about: { requestId: 41 } },
      { act: "approval.answer", code: "not_waiting", about: {} },
      { act: "call", code: "role", about: { method: "thread/start" } },
      { act: "call", code: "protected_path", about: { method: "fs/readFile" } },
    ].map((entry) => ({ ...entry, outcome: "denied", kind, address })),
  );
  expect(JSON.stringify(denied)).not.toContain("canary");
});

test("requests that are refused unread", async () => {
  const homes = temporaryHomes("");
  const host = await startOn(homes);
  const post = (body: string, type: string): Promise<Response> =>
    fetch(`${host.url}/auth/pair/start`, {
      method: "POST",
      body,
      headers: { "content-type": type },
    });
  await post("{", "application/json");
  await post("{}", "application/json");
  await post("{}", "text/plain");
  await post("x".repeat(70_000), "application/json");
  await rawExchange({ port: Number(new URL(host.url).port) }, "nonsense\r\n\r\n");
  const wrong = { secret: "canary", deviceName: "Phone", commitment: "c".repeat(43) };
  await post(JSON.stringify(wrong), "application/json");
  await fetch(`${host.url}/nowhere`);
  await stop(host);

  const denied = auditLines(homes.farhelmHome).filter(({ outcome }) => outcome === "denied");
  expect(denied.map(({ act, code, about }) => [act, code, about])).toEqual([
    ["request.refused", "invalid_json", { status: 400 }],
    ["request.refused", "invalid_body", { status: 400 }],
    ["request.refused", "not_json", { status: 415 }],
    ["request.refused", "body_too_large", { status: 413 }],
    ["request.refused", "unreadable", { status: 400 }],
    ["pair.redeem", "pairing_invalid", { path: "/auth/pair/start" }],
  ]);
  expect(JSON.stringify(denied)).not.toContain("canary");
});

test("devices are given the head of the log, and may keep it", async () => {
  const homes = temporaryHomes("");
  const host = await startOn(homes);
  const admin = await HostClient.connect(homes);
  const viewer = await HostClient.connectAs("viewer", host, admin);
  const head = JSON.stringify(await viewer.call("farhelm/audit/head"));
  const dir = join(homes.farhelmHome, "audit");
  expect(await verifyAudit({ dir, head })).toContain("belongs to it");
  await stop(host);
  expect(await verifyAudit({ dir, head })).toContain("belongs to it");
});

const refused = (code: string, status: number, who: object): object => ({
  act: "upgrade.refused",
  outcome: "denied",
  code,
  ...who,
  about: { status },
});
