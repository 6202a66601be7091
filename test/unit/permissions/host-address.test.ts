import { expect, test } from "vitest";
import {
  hostOf,
  isLinkLocal,
  isPublicAddress,
  plainAddress,
  targetOf,
} from "../../../src/permissions/host-address.ts";

test.each([
  ["example.com", { host: "example.com", port: 80 }],
  ["EXAMPLE.com.:443", { host: "example.com", port: 443 }],
  ["example.com:80", { host: "example.com", port: 80 }],
  ["münchen.example:8080", { host: "xn--mnchen-3ya.example", port: 8080 }],
  ["exa%6dple.com:443", { host: "example.com", port: 443 }],
  ["_dmarc.example.com:443", { host: "_dmarc.example.com", port: 443 }],
  ["[::1]:443", { host: "::1", port: 443 }],
  ["[0:0:0:0:0:0:0:1]", { host: "::1", port: 80 }],
  ["[::ffff:127.0.0.1]:80", { host: "::ffff:7f00:1", port: 80 }],
  ["0x7f.1:80", { host: "127.0.0.1", port: 80 }],
  ["2130706433:80", { host: "127.0.0.1", port: 80 }],
  ["0177.0.0.1:80", { host: "127.0.0.1", port: 80 }],
  ["127.0.0.1.:80", { host: "127.0.0.1", port: 80 }],
])("%s names a host and a port", (text, target) => {
  expect(targetOf(text, 80)).toEqual(target);
});

test.each([
  "",
  ":80",
  "a b:80",
  "user@example.com:80",
  "user:secret@example.com:80",
  "example.com/x",
  "example.com:0",
  "example.com:65536",
  "::1",
  "a..b:80",
  "*.example.com:80",
  "a\\b:80",
  "example.com:80\r\nx: y",
  "%0d%0a:80",
  `${"a".repeat(64)}.com:80`,
  "[::1%25eth0]:80",
])("%j names nothing", (text) => {
  expect(targetOf(text, 80)).toBeUndefined();
});

test.each([
  ["8.8.8.8", true],
  ["172.15.0.1", true],
  ["2606:4700::1111", true],
  ["::ffff:8.8.8.8", true],
  ["64:ff9b::808:808", true],
  ["0.0.0.0", false],
  ["10.1.2.3", false],
  ["100.64.0.1", false],
  ["127.255.255.254", false],
  ["169.254.169.254", false],
  ["172.31.255.255", false],
  ["192.168.0.1", false],
  ["224.0.0.1", false],
  ["255.255.255.255", false],
  ["::", false],
  ["::1", false],
  ["::7f00:1", false],
  ["::ffff:10.0.0.1", false],
  ["::ffff:a9fe:a9fe", false],
  ["64:ff9b::a00:1", false],
  ["64:ff9b::1", false],
  ["64:ff9b:1::808:808", false],
  ["2001:0:4136:e378::1", false],
  ["2002:7f00:1::", false],
  ["2001:db8::1", false],
  ["fc00::1", false],
  ["fd12:3456::1", false],
  ["fe80::1", false],
  ["fe80::1%eth0", false],
  ["2606:4700::1111%eth0", false],
  ["ff02::1", false],
  ["example.com", false],
  ["", false],
])("%s is everybody's: %s", (address, isPublic) => {
  expect(isPublicAddress(address)).toBe(isPublic);
});

test("an address that version 6 carries is the one that is meant", () => {
  expect(["::ffff:10.0.0.1", "64:ff9b::c0a8:101", "::1", "1.2.3.4"].map(plainAddress)).toEqual([
    "10.0.0.1",
    "192.168.1.1",
    "::1",
    "1.2.3.4",
  ]);
});

test("neighbours alone reach link-local addresses", () => {
  const all = ["169.254.169.254", "::ffff:169.254.1.1", "fe80::1", "fe80::1%eth0"];
  expect(all.map(isLinkLocal)).toEqual([true, true, true, true]);
  expect(["10.0.0.1", "127.0.0.1", "::1"].map(isLinkLocal)).toEqual([false, false, false]);
});

test("a host has one spelling", () => {
  for (const text of ["Example.COM", "example.com.", "xn--mnchen-3ya.de", "[::1]", "127.1"]) {
    const host = hostOf(text);
    expect(hostOf(host?.includes(":") ? `[${host}]` : (host ?? ""))).toBe(host);
  }
});
