import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { schemaFiles } from "../../src/features/schema-writer.ts";
import { farhelmProtocolVersion } from "../../src/protocol/generation.ts";
import type { SchemaPin } from "./schema-snapshot.ts";
import { differenceFrom, nextPin, pinOf, updateCommand } from "./schema-snapshot.ts";

const place = join(import.meta.dirname, "schema-snapshot.json");
const pinned = (): SchemaPin | undefined =>
  existsSync(place) ? JSON.parse(readFileSync(place, "utf8")) : undefined;

test("the schema is the one that is pinned with the protocol version", () => {
  const current = pinOf(schemaFiles(), farhelmProtocolVersion, false);
  if (process.env["FARHELM_PIN_SCHEMA"] === "1") {
    writeFileSync(place, `${JSON.stringify(nextPin(pinned(), current), undefined, 2)}\n`);
  }
  const before = pinned();
  if (!before) throw new Error(`Nothing is pinned: run\n  ${updateCommand}`);
  const difference = differenceFrom(before, current);
  if (difference) throw new Error(difference);
  expect(before.files).toEqual(current.files);
});

describe("a pin", () => {
  const files = new Map([
    ["a.json", "{}"],
    ["b.json", "{}"],
  ]);
  const open = pinOf(files, 1, false);
  const released = pinOf(files, 1, true);
  const other = pinOf(
    new Map([
      ["b.json", "[]"],
      ["c.json", "{}"],
    ]),
    1,
    false,
  );

  test("stands while nothing changes, released or not", () => {
    expect(differenceFrom(open, pinOf(files, 1, false))).toBeUndefined();
    expect(differenceFrom(released, pinOf(files, 1, false))).toBeUndefined();
  });

  test("names what changed and says what to do", () => {
    const text = differenceFrom(open, other);
    expect(text).toContain("The wire changed: a.json is gone, b.json differs, c.json is new.");
    expect(text).toContain(updateCommand);
    expect(text).not.toContain("raise farhelmProtocolVersion");
  });

  test("of a released version asks for the next number, and is not overwritten without it", () => {
    expect(differenceFrom(released, other)).toContain("raise farhelmProtocolVersion");
    expect(() => nextPin(released, other)).toThrow("Version 1 is released");
    const next = { ...other, protocolVersion: 2 };
    expect(nextPin(released, next)).toEqual(next);
    expect(nextPin(released, pinOf(files, 1, false))).toEqual(released);
  });

  test("does not stand under another version", () => {
    expect(differenceFrom(open, pinOf(files, 2, false))).toContain("its version is 2 and not 1");
  });

  test("of a version that is not released follows the wire", () => {
    expect(nextPin(open, other)).toEqual(other);
    expect(nextPin(undefined, other)).toEqual(other);
  });
});
