import { describe, expect, it } from "vitest";
import { Refused } from "../../../src/client/refused.ts";
import { readAttachAddress } from "../../../src/relay/attach-address.ts";

const secret = "S".repeat(43);
const host = "H".repeat(43);
const ca = "C".repeat(43);

const codeOf = (text: string): string => {
  try {
    readAttachAddress(text);
    return "taken";
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    expect(`${error.message} ${error.nextStep}`).not.toContain(secret);
    return error.code;
  }
};

describe("what is given to attach", () => {
  it("is a link, with or without an authority, or an address", () => {
    expect(readAttachAddress(` https://box:7420/pair#${secret}.${host}.${ca}\n`)).toEqual({
      origin: "https://box:7420",
      link: { secret, hostFingerprint: host, caFingerprint: ca },
    });
    expect(readAttachAddress(`http://localhost:7420/pair#${secret}.${host}`)).toEqual({
      origin: "http://localhost:7420",
      link: { secret, hostFingerprint: host, caFingerprint: undefined },
    });
    for (const text of ["https://BOX:443", "https://box/"]) {
      expect(readAttachAddress(text)).toEqual({ origin: "https://box", link: undefined });
    }
    for (const origin of ["http://127.0.0.1:7420", "http://127.9.9.9", "http://[::1]:7420"]) {
      expect(readAttachAddress(origin)).toEqual({ origin, link: undefined });
    }
  });

  it.each([
    "",
    "box:7420",
    "ftp://box",
    "wss://box:7420",
    "unix:///tmp/x.sock",
    "https://box/other",
    "https://box/?x=1",
    "https://me@box",
    `https://box/#${secret}.${host}`,
    `https://box/pair#${secret}.${host}.${ca}.${ca}`,
    `https://box/pair#${secret}.short`,
    "https://box/pair#short",
    "https://box/pair",
  ])("is refused when it is neither: %s", (text) => {
    expect(codeOf(text)).toBe("bad_address");
  });

  it("is refused when it pins no host", () => {
    expect(codeOf(`https://box:7420/pair#${secret}`)).toBe("link_without_fingerprint");
  });

  it.each(["box", "192.168.1.5", "localhost.example.com", "127.0.0.1.example.com", "[fd00::1]"])(
    "is refused over plain HTTP to another machine: %s",
    (name) => {
      expect([
        codeOf(`http://${name}:7420`),
        codeOf(`http://${name}/pair#${secret}.${host}`),
      ]).toEqual(["plain_http", "plain_http"]);
    },
  );
});
