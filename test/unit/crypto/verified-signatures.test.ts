import { describe, expect, test } from "vitest";
import { VerifiedSignatures } from "../../../src/crypto/verified-signatures.ts";

describe("signatures that held before", () => {
  test("count for exactly the token and the key object with which they held", () => {
    const verified = new VerifiedSignatures();
    const [key, other] = [{}, {}];
    verified.add("a.b.c", key);
    expect({
      same: verified.has("a.b.c", key),
      otherToken: verified.has("a.b.d", key),
      otherKey: verified.has("a.b.c", other),
    }).toEqual({ same: true, otherToken: false, otherKey: false });
  });

  test("are forgotten, oldest first, when there are too many", () => {
    const verified = new VerifiedSignatures();
    const key = {};
    for (let index = 0; index <= 1024; index += 1) verified.add(`token ${index}`, key);
    expect([verified.has("token 0", key), verified.has("token 1", key)]).toEqual([false, true]);
  });
});
