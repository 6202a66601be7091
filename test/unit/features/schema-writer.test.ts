import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { schemaFiles, writeSchema } from "../../../src/features/schema-writer.ts";

const clone = join(import.meta.dirname, "../../..");
const folder = mkdtempSync(join(tmpdir(), "farhelm-schema-"));
let written: readonly string[] = [];

beforeAll(async () => {
  written = await writeSchema(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

const read = (file: string): unknown => JSON.parse(readFileSync(join(folder, file), "utf8"));

/** Marks such as `x-farhelm-role` are annotations; in strict mode Ajv wants to know them. */
const ajv = (): Ajv2020 => new Ajv2020({ strict: false });

describe("the written schema", () => {
  test("is on disk, the same at every call", async () => {
    expect(written.toSorted()).toEqual(
      [...schemaFiles().keys()].map((file) => join(folder, file)).toSorted(),
    );
    expect(readdirSync(folder).toSorted()).toEqual([
      "ClientRequest.json",
      "ServerNotification.json",
      "ServerRequest.json",
      "protocol.d.ts",
      "v2",
    ]);
    expect([...schemaFiles()]).toEqual([...schemaFiles()]);
  });

  test("compiles, every file on its own", () => {
    const files = [...schemaFiles()].filter(([file]) => file.endsWith(".json"));
    expect(files.length).toBeGreaterThan(60);
    const faults = files.flatMap(([file]) => {
      const { errors } = compiled(file);
      return errors ? [`${file}: ${errors}`] : [];
    });
    expect(faults).toEqual([]);
  });

  test.each([
    [
      {
        id: 1,
        method: "turn/start",
        params: { threadId: "t", input: [{ type: "text", text: "x" }] },
      },
      true,
    ],
    [{ id: "a", method: "configRequirements/read" }, true],
    [{ id: 1, method: "thread/start", params: { cwd: null, ofLater: 1 } }, true],
    [{ id: 1, method: "thread/start" }, false],
    [{ id: null, method: "thread/start", params: {} }, false],
    [{ id: 1.5, method: "thread/start", params: {} }, false],
    [{ id: 1, method: "thread/begin", params: {} }, false],
    [{ id: 1, method: "turn/interrupt", params: { threadId: "t" } }, false],
  ])("a call %j: %s", (frame, valid) => {
    expect(ajv().validate(Object(read("ClientRequest.json")), frame)).toBe(valid);
  });

  test("takes the frames that the host pushes", () => {
    const schema = Object(read("ServerNotification.json"));
    const params = {
      threadId: "t",
      status: { type: "active", activeFlags: ["waitingOnApproval"] },
    };
    const frame = { method: "thread/status/changed", params, emittedAtMs: 1 };
    expect(ajv().validate(schema, frame)).toBe(true);
    expect(ajv().validate(schema, { ...frame, params: { threadId: "t" } })).toBe(false);
  });

  test("its types compile, and say what a client may do", () => {
    const use = `
      import type { ClientRequest, ClientRequests, ServerNotifications, ServerRequests } from "./protocol.js";
      export const call: ClientRequest = {
        id: 1, method: "turn/start",
        params: { threadId: "t", input: [{ type: "text", text: "x" }] },
      };
      export const turnOf = (answer: ClientRequests["turn/start"]["result"]): string => answer.turn.id;
      export const delta = (push: ServerNotifications["item/agentMessage/delta"]): string => push.delta;
      export const answer: ServerRequests["item/fileChange/requestApproval"]["result"] = { decision: "accept" };
    `;
    expect(compile(use)).toBe("");
    const wrong = use.replace('"accept"', '"perhaps"').replace('text: "x"', "text: 1");
    expect(compile(wrong).match(/error TS\d+/g)).toHaveLength(2);
  });
});

function compiled(file: string): { errors: string | undefined } {
  try {
    ajv().compile(Object(read(file)));
    return { errors: undefined };
  } catch (error) {
    return { errors: String(error) };
  }
}

/** What the compiler says of `text` beside the written types. */
function compile(text: string): string {
  writeFileSync(join(folder, "use.ts"), text);
  const flags = ["--noEmit", "--strict", "--module", "nodenext", "--skipLibCheck", "false"];
  try {
    execFileSync(
      process.execPath,
      [join(clone, "node_modules/typescript/bin/tsc"), ...flags, "--types", "", "use.ts"],
      { cwd: folder, encoding: "utf8", stdio: "pipe" },
    );
    return "";
  } catch (error) {
    return error instanceof Error && "stdout" in error ? String(error.stdout) : String(error);
  }
}
