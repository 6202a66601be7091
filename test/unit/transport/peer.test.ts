import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { isLoopback, peerOf } from "../../../src/transport/peer.ts";

function requestFrom(address: string, headers: Readonly<Record<string, string>>): IncomingMessage {
  const socket = new Socket();
  Object.defineProperty(socket, "remoteAddress", { value: address });
  const request = new IncomingMessage(socket);
  Object.assign(request.headers, headers);
  return request;
}

const proxies = new Set(["10.0.0.1", "10.0.0.2"]);
const addressOf = (from: string, forwardedFor?: string): string =>
  peerOf(
    requestFrom(from, forwardedFor === undefined ? {} : { "x-forwarded-for": forwardedFor }),
    proxies,
  ).address;

describe("a peer's address", () => {
  test("is the socket's, whatever a stranger claims", () => {
    expect(addressOf("192.0.2.1", "127.0.0.1")).toBe("192.0.2.1");
    expect(addressOf("::ffff:192.0.2.1")).toBe("192.0.2.1");
  });

  test("is the last one that a trusted proxy did not write for another trusted one", () => {
    expect(addressOf("10.0.0.1", "203.0.113.5")).toBe("203.0.113.5");
    expect(addressOf("10.0.0.1", "127.0.0.1, 203.0.113.5")).toBe("203.0.113.5");
    expect(addressOf("10.0.0.1", "127.0.0.1, 203.0.113.5, 10.0.0.2")).toBe("203.0.113.5");
    expect(addressOf("::ffff:10.0.0.1", "2001:db8::1")).toBe("2001:db8::1");
  });

  test("stays the proxy's where it says nothing that is an address", () => {
    expect(addressOf("10.0.0.1")).toBe("10.0.0.1");
    expect(addressOf("10.0.0.1", "unknown")).toBe("10.0.0.1");
    expect(addressOf("10.0.0.1", "203.0.113.5, \u001b[31mx")).toBe("10.0.0.1");
  });
});

const forwarded = (headers: Record<string, string>): boolean =>
  peerOf(requestFrom("127.0.0.1", headers), proxies).forwarded;

test("any forwarding header is noticed", () => {
  expect(forwarded({ host: "x" })).toBe(false);
  for (const name of ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"]) {
    expect(forwarded({ [name]: "" })).toBe(true);
  }
});

test("loopback is 127.0.0.0/8, ::1 and localhost, and no name that looks so", () => {
  expect(["127.0.0.1", "127.9.9.9", "::1", "localhost"].map(isLoopback)).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(
    ["127.evil.example", "0.0.0.0", "::", "localhost.", "128.0.0.1", ""].map(isLoopback),
  ).toEqual([false, false, false, false, false, false]);
});
