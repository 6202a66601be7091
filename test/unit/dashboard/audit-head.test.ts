import { expect, test } from "vitest";
import type { AuditHead } from "../../../src/dashboard/state/audit-head.ts";
import { headFault } from "../../../src/dashboard/state/audit-head.ts";

const key = {
  kty: "EC",
  crv: "P-256",
  x: "x",
  y: "y",
  kid: "k",
  alg: "ES256",
  use: "sig",
} as const;
const kept: AuditHead = { sequence: 7, hash: "seven", head: "a.b.c", publicKey: key };

test.each([
  ["the same head", kept, "none"],
  ["a longer log", { ...kept, sequence: 9, hash: "nine" }, "none"],
  ["a shorter log", { ...kept, sequence: 6, hash: "six" }, "ends with line 6"],
  ["another line in the same place", { ...kept, hash: "other" }, "cut or written anew"],
  ["another key", { ...kept, sequence: 9, publicKey: { ...key, kid: "l" } }, "another key"],
])("%s", (_what, given, fault) => {
  expect(headFault(kept, given) ?? "none").toContain(fault);
});
