import { describe, expect, test } from "vitest";
import { z } from "zod";
import { method } from "../../../src/dispatch/define.ts";
import { notification, serverRequest } from "../../../src/protocol/define.ts";
import { ThreadId } from "../../../src/protocol/ids.ts";
import { SandboxPolicy } from "../../../src/protocol/settings.ts";
import type { WireSchema } from "../../../src/features/schema-document.ts";
import { partsOf, typeName, wireSchema } from "../../../src/features/schema-document.ts";

const draft = "https://json-schema.org/draft/2020-12/schema";

const goto = method({
  name: "boat/goTo",
  stability: "stable",
  role: "operator",
  experimentalParams: ["speed"],
  params: z.looseObject({ threadId: ThreadId, sail: z.boolean().default(true) }),
  result: z.object({ at: z.number().nullable(), made: z.date() }),
  handle: () => ({ at: null, made: new Date() }),
});

const ask = method({
  name: "boat/ask",
  stability: "experimental",
  role: "viewer",
  params: z.unknown().optional(),
  result: z.object({ sail: z.boolean().default(true), policy: SandboxPolicy }),
  handle: () => ({ policy: { type: "dangerFullAccess" as const } }),
});

const moved = notification({
  name: "boat/moved",
  stability: "stable",
  audience: "all",
  params: z.object({ threadId: ThreadId }),
});

const steer = serverRequest({
  name: "boat/requestCourse",
  stability: "stable",
  role: "approver",
  params: z.object({ policy: SandboxPolicy }),
  result: z.object({ policy: SandboxPolicy }),
});

const wire = (): WireSchema =>
  wireSchema({ methods: [goto, ask], notifications: [moved], serverRequests: [steer] });

const schemaOf = (name: string): unknown => {
  const built = wire();
  return [...partsOf(built), ...built.frames].find((document) => document.name === name)?.schema;
};

describe("the schema of a method", () => {
  test("says what a client sends: defaults may be left out, unnamed members are not forbidden", () => {
    expect(schemaOf("BoatGoToParams")).toEqual({
      $schema: draft,
      title: "BoatGoToParams",
      "x-farhelm-method": "boat/goTo",
      "x-farhelm-role": "operator",
      "x-farhelm-stability": "stable",
      "x-farhelm-experimental-params": ["speed"],
      type: "object",
      properties: {
        threadId: { $ref: "#/$defs/ThreadId" },
        sail: { default: true, type: "boolean" },
      },
      required: ["threadId"],
      $defs: { ThreadId: { type: "string" } },
    });
  });

  test("says what the host answers: defaults are filled, what JSON Schema cannot say is open", () => {
    expect(schemaOf("BoatGoToResponse")).toMatchObject({
      properties: { at: { type: ["number", "null"] }, made: {} },
      required: ["at", "made"],
    });
    expect(schemaOf("BoatAskResponse")).toMatchObject({ required: ["sail", "policy"] });
  });

  test("names a noun by its side where the sides differ", () => {
    expect(schemaOf("BoatRequestCourseParams")).toMatchObject({
      properties: { policy: { $ref: "#/$defs/SandboxPolicy" } },
    });
    expect(schemaOf("BoatRequestCourseResponse")).toMatchObject({
      properties: { policy: { $ref: "#/$defs/SentSandboxPolicy" } },
    });
  });
});

describe("the schema of all frames", () => {
  test("tells calls apart by method, sorted, and leaves out optional params", () => {
    expect(schemaOf("ClientRequest")).toMatchObject({
      oneOf: [
        {
          "x-farhelm-role": "viewer",
          "x-farhelm-stability": "experimental",
          "x-farhelm-response": "v2/BoatAskResponse.json",
          properties: {
            id: { anyOf: [{ type: "string" }, { type: "integer" }] },
            method: { const: "boat/ask" },
            params: { $ref: "#/$defs/BoatAskParams" },
          },
          required: ["id", "method"],
        },
        {
          "x-farhelm-experimental-params": ["speed"],
          properties: { method: { const: "boat/goTo" } },
          required: ["id", "method", "params"],
        },
      ],
    });
  });

  test("holds audience and time of a notification", () => {
    expect(schemaOf("ServerNotification")).toMatchObject({
      oneOf: [
        {
          "x-farhelm-audience": "all",
          properties: { method: { const: "boat/moved" }, emittedAtMs: { type: "number" } },
          required: ["method", "params"],
        },
      ],
      $defs: { BoatMovedNotification: { type: "object" }, ThreadId: { type: "string" } },
    });
  });

  test("does not depend on the order of the declarations", () => {
    const other = wireSchema({
      methods: [ask, goto],
      notifications: [moved],
      serverRequests: [steer],
    });
    expect(JSON.stringify(other)).toBe(JSON.stringify(wire()));
  });
});

test("a type is named by its method", () => {
  expect(["thread/name/set", "fs/readFile", "error"].map(typeName)).toEqual([
    "ThreadNameSet",
    "FsReadFile",
    "Error",
  ]);
});
