import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { headType } from "../../src/audit/audit-heads.ts";
import { chainStart, lineOf, ownActs } from "../../src/audit/audit-line.ts";
import { checkpointEvery } from "../../src/audit/audit-log.ts";
import { linesOfAll, linesOfOneKind, maxSums, sumMs } from "../../src/audit/denied-sums.ts";
import { auditActs, by, hostActor } from "../../src/audit/port.ts";
import { memberOf } from "../../src/dispatch/define.ts";
import type { Method } from "../../src/dispatch/define.ts";
import { methods } from "../../src/features/index.ts";
import * as authApi from "../../src/protocol/auth-api.ts";
import { closeCodes } from "../../src/protocol/close-codes.ts";
import { errorCodes } from "../../src/protocol/errors.ts";
import { farhelmProtocolVersion, protocolGeneration } from "../../src/protocol/generation.ts";
import { notifications } from "../../src/protocol/notifications.ts";
import { roles } from "../../src/protocol/principal.ts";
import { serverRequests } from "../../src/protocol/server-requests.ts";
import { callLedgerLimits } from "../../src/store/port.ts";
import { networkRefusals } from "../../src/tools/network-proxy/refusal.ts";
import { pingIntervalHeader } from "../../src/transport/connections.ts";
import { maxFirstMessageBytes, maxMessageBytes } from "../../src/transport/host-socket.ts";
import {
  defaultCaps,
  defaultPingIntervalMs,
  defaultTimeouts,
} from "../../src/transport/options.ts";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "PROTOCOL.md"), "utf8");

/** The text under a heading, up to the next one. */
function section(heading: string): string {
  const [, text] = page.split(`\n${heading}\n`);
  if (text === undefined) throw new Error(`PROTOCOL.md has no heading "${heading}"`);
  return text.split(/\n##+ /, 1)[0] ?? "";
}

/** The first `columns` cells of every row of the table under a heading, sorted; without backticks. */
const table = (heading: string, columns: number): readonly (readonly string[])[] =>
  section(heading)
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .slice(2)
    .map((line) => line.split("|").slice(1, columns + 1))
    .map((cells) => cells.map((cell) => cell.trim().replaceAll("`", "")))
    .toSorted(byText);

const byText = (left: readonly string[], right: readonly string[]): number =>
  left.join() < right.join() ? -1 : 1;

const everyMember = {
  timeMs: 1,
  head: "",
  entry: {
    act: "call",
    outcome: "failed",
    code: "internal",
    ...by(hostActor),
    about: { method: "turn/start" },
  },
} as const;

describe("the tables of PROTOCOL.md say what the code says", () => {
  test("methods, with role and stability", () => {
    expect(table("## Methods", 3)).toEqual(
      methods.map(({ name, role, stability }) => [name, role, stability]).toSorted(byText),
    );
  });

  test("experimental members of methods", () => {
    const specs: readonly Method[] = methods;
    const missing = specs.flatMap(({ name, experimentalParams = [] }) => {
      const row = table("## Methods", 4).find(([first]) => first === name) ?? [];
      return experimentalParams.map(memberOf).filter((member) => !row.join().includes(member));
    });
    expect(missing).toEqual([]);
  });

  test("notifications, with audience and stability", () => {
    expect(table("## Notifications", 3)).toEqual(
      notifications
        .map(({ name, audience, stability }) => [name, audience, stability])
        .toSorted(byText),
    );
  });

  test("server requests, with role and stability", () => {
    expect(table("## Server requests", 3)).toEqual(
      serverRequests.map(({ name, role, stability }) => [name, role, stability]).toSorted(byText),
    );
  });

  test("what the network proxy refuses, with its status", () => {
    expect(
      table("### The network of commands", 2).filter(([code]) => code?.startsWith("network_")),
    ).toEqual(networkRefusals.map(([code, status]) => [code, String(status)]).toSorted(byText));
  });

  test("close codes", () => {
    expect(table("## Close codes", 2)).toEqual(numbered(closeCodes));
  });

  test("error codes", () => {
    expect(table("## Error codes", 2)).toEqual(numbered(errorCodes));
  });

  test("roles, from weak to strong", () => {
    const rows = section("## Roles").match(/^\| `\w+`/gm);
    expect(rows).toEqual(roles.map((role) => `| \`${role}\``));
  });

  test("acts of the audit log", () => {
    const [, acts = ""] = section("## Audit").split("| act |");
    const rows = [...acts.matchAll(/^\| `([\w.]+)` \|/gm)].map(([, act]) => act);
    expect(rows).toEqual([...auditActs, ...ownActs]);
  });

  test("members and limits of the audit log", () => {
    const text = section("## Audit");
    const line: unknown = JSON.parse(lineOf(everyMember, chainStart));
    const [members = ""] = text.split("| act |");
    const rows = [...members.matchAll(/^\| `(\w+)` \|/gm)].map(([, member]) => member);
    expect(rows).toEqual(Object.keys(Object(line)));
    expect(text).toContain(`every ${checkpointEvery} lines`);
    expect(text).toContain(`${linesOfOneKind} refusals in a minute`);
    expect(text).toContain(`of all together ${linesOfAll}.`);
    expect(text).toContain(`every ${sumMs / 1000} seconds`);
    expect(text).toContain(`past ${maxSums} different ones`);
    expect(text).toContain(`\`${headType}\``);
  });

  test("calls under /auth", () => {
    const paths = Object.values(authApi).flatMap((each) =>
      typeof each === "object" && "path" in each ? [each.path] : [],
    );
    expect(paths.length).toBeGreaterThan(0);
    expect(table("## Getting in: pairing, tokens, tickets", 1).flat()).toEqual(paths.toSorted());
  });

  test("refusals of these calls", () => {
    const source = readFileSync(join(root, "src/auth/refusals.ts"), "utf8");
    const rows = [...source.matchAll(/^ {2}(\w+): \[\s*(\d{3}),/gm)].map(([, code, status]) => [
      code,
      status,
    ]);
    expect(rows.length).toBeGreaterThan(10);
    expect(table("### Refusals of these calls", 2)).toEqual(
      rows.toSorted((left, right) => (left.join() < right.join() ? -1 : 1)),
    );
  });

  test("why a call with an idempotency key is refused", () => {
    const source = readFileSync(join(root, "src/dispatch/key-refusals.ts"), "utf8");
    const codes = [...source.matchAll(/^ {2}(\w+): \[/gm)].map(([, code = ""]) => code);
    expect(codes.length).toBeGreaterThan(5);
    expect(table("## Retrying", 1).flat()).toEqual(codes.toSorted());
  });

  test("what a retry of each method gets, where it is not by its role", () => {
    const specs: readonly Method[] = methods;
    const withRetry = (retry: Method["retry"]): readonly string[] =>
      specs
        .filter((spec) => spec.retry === retry)
        .map(({ name }) => name)
        .toSorted();
    expect(named(/changes nothing runs again[^]*?\n6/)).toEqual(withRetry("again"));
    expect(named(/Secrets are not kept[^]*?\n7/)).toEqual(withRetry("word"));
    expect(named(/for viewers that take a key[^]*?\.\n/)).toEqual(withRetry("answer"));
  });

  test("limits of what is kept for retries", () => {
    const rows = section("## Limits");
    const { keptForMs, callsOfPrincipal, calls, ...bytes } = callLedgerLimits;
    expect(rows).toContain(`| ${keptForMs / 3_600_000} hours |`);
    expect(rows).toContain(`| ${callsOfPrincipal} of one access, ${calls} of all |`);
    expect(rows).toContain(
      `| ${bytes.answerBytes} bytes (256 KiB); ${bytes.answerBytesOfPrincipal / 2 ** 20} MiB of one access, ${bytes.answerBytesOfAll / 2 ** 20} MiB of all |`,
    );
  });

  test("why an approval does not count", () => {
    const source = readFileSync(join(root, "src/auth/approval-faults.ts"), "utf8");
    const codes = [...source.matchAll(/^ {2}(approval_\w+): \[/gm)].map(([, code = ""]) => code);
    expect(codes.length).toBeGreaterThan(5);
    expect(table("### Signed approvals", 1).flat()).toEqual(codes.toSorted());
  });

  test.each([
    maxFirstMessageBytes,
    maxMessageBytes,
    defaultCaps.connections,
    defaultCaps.connectionsPerAddress,
    defaultCaps.halfOpen,
    defaultCaps.authCallsPerMinute,
    defaultTimeouts.upgradeMs,
    defaultPingIntervalMs,
  ])("the limit %d", (limit) => {
    const values = table("## Limits", 2).map(([, value = ""]) => Number.parseInt(value, 10));
    expect(values).toContain(limit);
  });

  test("versions, header and subprotocol", () => {
    expect(section("## Versions")).toContain(`**Protocol version**: ${farhelmProtocolVersion}.`);
    expect(section("## Versions")).toContain(protocolGeneration);
    const handshake = section("## The handshake");
    expect(handshake).toContain(`\`${pingIntervalHeader}\``);
    expect(handshake).toContain(`\`${authApi.subprotocol}\` and \`${authApi.ticketPrefix}TICKET\``);
    expect(handshake).toContain(`\`GET ${authApi.socketPath}\``);
  });
});

test("every link inside the page leads somewhere", () => {
  const anchors = new Set(
    [...page.matchAll(/^##+ (.+)$/gm)].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w -]/g, "")
        .replaceAll(" ", "-"),
    ),
  );
  const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, link = ""]) => link);
  expect(links.length).toBeGreaterThan(10);
  expect(links.filter((link) => !anchors.has(link))).toEqual([]);
});

/** The methods that a part of the section about retries names, sorted. */
const named = (line: RegExp): readonly string[] =>
  [...(line.exec(section("## Retrying"))?.[0] ?? "").matchAll(/`(\w+\/[\w/]+|fuzzyFileSearch)`/g)]
    .map(([, name = ""]) => name)
    .toSorted();

const numbered = (codes: Readonly<Record<string, number>>): readonly (readonly string[])[] =>
  Object.entries(codes)
    .map(([name, code]) => [String(code), name])
    .toSorted(byText);
