import { expect, test } from "vitest";
import { z } from "zod";
import { folderMembers, foldersNamed } from "../../../src/dispatch/named-folders.ts";
import { reachOf, threadMembers } from "../../../src/dispatch/scoped-call.ts";
import { methods } from "../../../src/features/index.ts";

/** What an access of limited scope may call; a method that is not here is refused to it. */
const open = [
  "account/read",
  "approval/inbox",
  "collaborationMode/list",
  "configRequirements/read",
  "farhelm/host/read",
  "fs/unwatch",
  "fuzzyFileSearch/sessionStop",
  "fuzzyFileSearch/sessionUpdate",
  "initialize",
  "mock/experimentalMethod",
  "model/list",
  "permissionProfile/list",
  "remoteControl/status/read",
];

const namesOf = (reach: string): readonly string[] =>
  methods
    .filter((method) => reachOf(method) === reach)
    .map(({ name }) => name)
    .toSorted();

test("what is of no thread is open by a decision, and only then", () => {
  expect(namesOf("open")).toEqual(open);
  expect(namesOf("list")).toEqual(["thread/list", "thread/loaded/list", "thread/search"]);
  expect(namesOf("start")).toEqual(["thread/start"]);
  expect(namesOf("folder")).toEqual([
    "fs/copy",
    "fs/createDirectory",
    "fs/getMetadata",
    "fs/readDirectory",
    "fs/readFile",
    "fs/remove",
    "fs/watch",
    "fs/writeFile",
    "fuzzyFileSearch",
    "fuzzyFileSearch/sessionStart",
  ]);
  for (const name of ["farhelm/devices/list", "command/exec", "config/read"]) {
    expect(namesOf("host")).toContain(name);
  }
});

test("every method that names a thread is judged by it", () => {
  const naming = methods.filter(
    ({ params }) => "threadId" in Object("shape" in params ? params.shape : {}),
  );
  expect(naming.length).toBeGreaterThan(20);
  expect(naming.map(({ name }) => name).toSorted()).toEqual(namesOf("thread"));
});

/** All member names of a schema, at any depth. */
function membersOf(schema: z.ZodType): readonly string[] {
  const names: string[] = [];
  const walk = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      if (key === "properties") names.push(...Object.keys(Object(value)));
      walk(value);
    }
  };
  walk(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }));
  return names;
}

/** They make a list shorter, whose rows are judged one by one. */
const narrowing = new Set([
  "thread/list.excludedThreadIds",
  "thread/list.parentThreadId",
  "thread/list.ancestorThreadId",
  "thread/list.attachedToThreadId",
]);

/** The first turn of a chain: no folder, and nothing is done with it. */
const unread = new Set(["turn/start.rootTurnId"]);

test("no reachable method names a thread or a folder by a member that nobody judges", () => {
  const reachable = methods.filter((method) => reachOf(method) !== "host");
  const suspicious = reachable.flatMap(({ name, params }) =>
    membersOf(params)
      .filter((member) => /cwd|path|root|folder|\bdir|thread.*id/i.test(member))
      .filter((member) => !threadMembers.has(member) && !folderMembers.has(member))
      // of a permission profile: below the thread's own folder, and does not climb
      .filter((member) => member !== "subpath")
      .map((member) => `${name}.${member}`)
      .filter((member) => !narrowing.has(member) && !unread.has(member)),
  );
  expect(suspicious).toEqual([]);
});

test("folders are found wherever params name them, and configuration may name any", () => {
  expect(
    foldersNamed({
      threadId: "t",
      cwd: "/a",
      input: [
        { type: "text", text: "/not a path" },
        { type: "localImage", path: "/b" },
      ],
      environments: [{ environmentId: "local", cwd: "/c" }],
      sandboxPolicy: { type: "workspaceWrite", writableRoots: ["/d", "/e"] },
      permissionProfile: { fileSystem: { entries: [{ path: { type: "path", path: "/f" } }] } },
      outputSchema: { properties: { path: { type: "string" } } },
    }),
  ).toEqual(["/a", "/b", "/c", "/d", "/e", "/f"]);
  expect(foldersNamed({ cwd: ["/a", "/b"], config: { model: "m" } })).toEqual(["/a", "/b", "/"]);
  expect(foldersNamed({ cwd: null, config: null })).toEqual([]);
});
