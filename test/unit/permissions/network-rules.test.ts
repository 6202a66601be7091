import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  judgeAddress,
  judgeHost,
  patternFault,
  withHost,
  type NetworkRules,
} from "../../../src/permissions/network-rules.ts";

const rules = (given: Partial<NetworkRules>): NetworkRules => ({
  allowed: [],
  denied: [],
  reviewed: [],
  allowsLocal: false,
  readsOnly: false,
  isClosed: false,
  ...given,
});

test.each([
  ["example.com", ["example.com"], ["www.example.com", "example.com.evil.net", "xexample.com"]],
  [
    "*.example.com",
    ["www.example.com", "a.b.example.com"],
    ["example.com", "wwwexample.com", "www.example.com.evil.net"],
  ],
  ["**.example.com", ["example.com", "a.b.example.com"], ["notexample.com"]],
  ["*.Example.COM.", ["www.example.com"], ["example.com"]],
  ["*.münchen.example", ["www.xn--mnchen-3ya.example"], ["www.munchen.example"]],
  ["*", ["example.com", "8.8.8.8"], []],
  [
    "region*.v2.example.com",
    ["region1.v2.example.com", "region.v2.example.com"],
    ["xregion1.v2.example.com"],
  ],
  ["api-?.example.com", ["api-1.example.com"], ["api-.example.com", "api-12.example.com"]],
  ["8.8.8.8", ["8.8.8.8"], ["8.8.4.4"]],
  ["[2606:4700::1111]", ["2606:4700::1111"], ["2606:4700::1112"]],
  ["2606:4700:0:0::1111", ["2606:4700::1111"], []],
])("%s", (pattern, hosts, others) => {
  expect(patternFault(pattern)).toBeUndefined();
  const [allowing, denying] = [rules({ allowed: [pattern] }), rules({ denied: [pattern] })];
  for (const host of hosts) {
    expect([host, judgeHost(host, allowing)]).toEqual([host, "allowed"]);
    expect([host, judgeHost(host, denying)]).toEqual([host, "denied"]);
  }
  for (const host of others) {
    expect([host, judgeHost(host, allowing)]).toEqual([host, "unknown"]);
    expect([host, judgeHost(host, denying)]).toEqual([host, "unknown"]);
  }
});

test("a star stays within a label where it allows, and not where it denies", () => {
  const host = "region1.evil.v2.example.com";
  expect(judgeHost(host, rules({ allowed: ["region*.v2.example.com"] }))).toBe("unknown");
  expect(judgeHost(host, rules({ denied: ["region*.v2.example.com"] }))).toBe("denied");
});

test.each([
  "",
  " ",
  "*.",
  "https://example.com",
  "example.com/x",
  "example.com:443",
  "a b",
  "*@b",
  "a..b",
])("%j is no pattern", (pattern) => {
  expect(patternFault(pattern)).toContain("is no pattern of hosts");
  expect(judgeHost("example.com", rules({ allowed: [pattern] }))).toBe("unknown");
});

test("a person is asked about what is under review, and never about what is denied", () => {
  const given = rules({
    allowed: ["**.example.com"],
    reviewed: ["pay.example.com"],
    denied: ["x.example.com"],
  });
  expect(
    ["www.example.com", "pay.example.com", "x.example.com"].map((host) => judgeHost(host, given)),
  ).toEqual(["allowed", "unknown", "denied"]);
  expect(judgeHost("x.example.com", { ...given, reviewed: ["*"] })).toBe("denied");
});

test.each([
  "localhost",
  "api.localhost",
  "127.0.0.1",
  "::1",
  "10.0.0.5",
  "169.254.169.254",
  "::ffff:7f00:1",
])("%s is this machine's or its network's, whatever pattern it falls under", (host) => {
  expect(judgeHost(host, rules({ allowed: ["*", "*.localhost"] }))).toBe("local");
  expect(judgeHost(host, rules({ allowed: [host] }))).toBe("allowed");
  expect(judgeHost(host, rules({ allowsLocal: true, allowed: ["*"] }))).toBe("allowed");
  expect(judgeHost(host, rules({ allowsLocal: true }))).toBe("unknown");
});

test.each([
  ["example.com", "93.184.215.14", {}, "allowed"],
  ["example.com", "127.0.0.1", {}, "local"],
  ["example.com", "169.254.169.254", {}, "local"],
  ["example.com", "::ffff:10.0.0.1", {}, "local"],
  ["example.com", "fe80::1%eth0", {}, "local"],
  ["example.com", "127.0.0.1", { allowed: ["127.0.0.1"] }, "local"],
  ["example.com", "10.0.0.1", { allowsLocal: true }, "allowed"],
  ["example.com", "169.254.169.254", { allowsLocal: true }, "local"],
  ["169.254.169.254", "169.254.169.254", { allowed: ["169.254.169.254"] }, "allowed"],
  ["127.0.0.1", "127.0.0.1", { allowed: ["127.0.0.1"] }, "allowed"],
  ["localhost", "::1", { allowed: ["localhost"] }, "allowed"],
  ["localhost", "::1", {}, "local"],
  ["example.com", "93.184.215.14", { denied: ["93.184.215.14"] }, "denied"],
  ["example.com", "::ffff:93.184.215.14", { denied: ["93.184.*"] }, "denied"],
])("%s at %s with %j: %s", (host, address, given, verdict) => {
  expect(judgeAddress(address, host, rules(given))).toBe(verdict);
});

const label = fc.stringMatching(/^[a-z][a-z0-9]{0,4}$/);
const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
const pattern = fc.oneof(
  name,
  name.map((rest) => `*.${rest}`),
  name.map((rest) => `**.${rest}`),
  fc.constant("*"),
);
const anyRules = fc.record({
  allowed: fc.array(pattern, { maxLength: 4 }),
  denied: fc.array(pattern, { maxLength: 3 }),
  reviewed: fc.array(pattern, { maxLength: 2 }),
  allowsLocal: fc.boolean(),
  readsOnly: fc.boolean(),
  isClosed: fc.boolean(),
});

test("no allowance widens a denial, and a denial only takes away", () => {
  fc.assert(
    fc.property(anyRules, name, pattern, (given, host, more) => {
      const before = judgeHost(host, given);
      const allowing = judgeHost(host, { ...given, allowed: [...given.allowed, more] });
      const denying = judgeHost(host, { ...given, denied: [...given.denied, more] });
      expect([before, "denied"]).toContain(denying);
      expect(before === "denied" ? ["denied"] : ["allowed", before]).toContain(allowing);
    }),
  );
});

test("an answer about a host is about that host alone", () => {
  fc.assert(
    fc.property(anyRules, name, name, (given, host, other) => {
      const denied = withHost(given, host, "deny");
      expect(judgeHost(host, denied)).toBe("denied");
      fc.pre(other !== host);
      expect(judgeHost(other, denied)).toBe(judgeHost(other, given));
      expect(judgeHost(other, withHost(given, host, "allow"))).toBe(judgeHost(other, given));
    }),
  );
});
