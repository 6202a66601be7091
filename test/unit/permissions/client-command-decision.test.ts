import { describe, expect, test } from "vitest";
import { decideClientCommand } from "../../../src/permissions/client-command-decision.ts";
import { profileOfPolicy } from "../../../src/permissions/legacy-policy.ts";
import type { PermissionProfile } from "../../../src/protocol/permission-profile.ts";

const open: PermissionProfile = { type: "disabled" };
const outer: PermissionProfile = { type: "external", network: { enabled: false } };
const readOnly = profileOfPolicy({ type: "readOnly", networkAccess: false });
const git = { args: ["diff"], reads: [], readsFolders: false };

/** requested, configured, admin, git → what happens */
const table: readonly [
  PermissionProfile | undefined,
  PermissionProfile,
  boolean,
  boolean,
  string,
][] = [
  [undefined, open, false, false, "unconfined"],
  [undefined, open, false, true, "unconfined"],
  [open, open, false, false, "unconfined"],
  [open, readOnly, true, false, "unconfined"],
  [outer, readOnly, true, false, "unconfined"],
  [open, readOnly, false, false, "refuse"],
  [outer, readOnly, false, false, "refuse"],
  [open, readOnly, false, true, "readOnlyGit"],
  [undefined, readOnly, true, false, "unconfined"],
  [undefined, readOnly, false, false, "refuse"],
  [undefined, readOnly, true, true, "readOnlyGit"],
  [undefined, readOnly, false, true, "readOnlyGit"],
  [readOnly, open, true, false, "refuse"],
  [readOnly, open, false, false, "refuse"],
  [readOnly, open, false, true, "readOnlyGit"],
];

describe("a client's own command", () => {
  test.each(table)("requested %j, configured %j, admin %s, git %s: %s", (...row) => {
    const [requested, configured, isAdmin, isGit, kind] = row;
    const question = { requested, configured, isAdmin, git: isGit ? git : undefined };
    expect(decideClientCommand(question).kind).toBe(kind);
  });

  test("every refusal says what to do", () => {
    const messages = table.flatMap(([requested, configured, isAdmin, isGit]) => {
      const question = { requested, configured, isAdmin, git: isGit ? git : undefined };
      const decision = decideClientCommand(question);
      return decision.kind === "refuse" ? [decision.message] : [];
    });
    expect(messages).toHaveLength(5);
    expect(messages.filter((text) => !/Send `|Connect as an admin/.test(text))).toEqual([]);
  });
});
