import { describe, expect, test } from "vitest";
import { decideClientCommand } from "../../../src/permissions/client-command-decision.ts";
import { profileOfPolicy } from "../../../src/permissions/legacy-policy.ts";
import type { SandboxState } from "../../../src/permissions/sandbox-state.ts";
import type { PermissionProfile } from "../../../src/protocol/permission-profile.ts";

const open: PermissionProfile = { type: "disabled" };
const outer: PermissionProfile = { type: "external", network: { enabled: false } };
const readOnly = profileOfPolicy({ type: "readOnly", networkAccess: false });
const git = { args: ["diff"], reads: [], readsFolders: false };
const works: SandboxState = { works: true, how: "walls" };
const none: SandboxState = { works: false, reason: "there are no walls", fix: "build some" };

interface Row {
  readonly requested?: PermissionProfile;
  readonly configured: PermissionProfile;
  readonly admin?: true;
  readonly git?: true;
}

/** What happens with a sandbox on this machine, and without one. */
const table: readonly [Row, string, string][] = [
  [{ configured: open }, "unconfined", "unconfined"],
  [{ configured: open, git: true }, "unconfined", "unconfined"],
  [{ requested: open, configured: open }, "unconfined", "unconfined"],
  [{ requested: open, configured: readOnly, admin: true }, "unconfined", "unconfined"],
  [{ requested: outer, configured: readOnly, admin: true }, "unconfined", "unconfined"],
  [{ requested: open, configured: readOnly }, "refuse", "refuse"],
  [{ requested: outer, configured: readOnly }, "refuse", "refuse"],
  [{ requested: open, configured: readOnly, git: true }, "readOnlyGit", "readOnlyGit"],
  [{ configured: readOnly, admin: true }, "confined", "unconfined"],
  [{ configured: readOnly }, "confined", "refuse"],
  [{ configured: readOnly, admin: true, git: true }, "confined", "readOnlyGit"],
  [{ configured: readOnly, git: true }, "confined", "readOnlyGit"],
  [{ requested: readOnly, configured: open, admin: true }, "confined", "refuse"],
  [{ requested: readOnly, configured: open }, "confined", "refuse"],
  [{ requested: readOnly, configured: open, git: true }, "confined", "readOnlyGit"],
];

function decide(row: Row, sandbox: SandboxState) {
  const { requested, configured } = row;
  return decideClientCommand({
    profile: requested ?? configured,
    isRequested: requested !== undefined,
    configured,
    isAdmin: row.admin ?? false,
    git: row.git && git,
    sandbox,
  });
}

describe("a client's own command", () => {
  test.each(table)("%j: %s, without a sandbox %s", (row, confined, otherwise) => {
    expect([decide(row, works).kind, decide(row, none).kind]).toEqual([confined, otherwise]);
  });

  test("every refusal says why, and what to do", () => {
    const messages = table.flatMap(([row]) =>
      [decide(row, works), decide(row, none)].flatMap((decision) =>
        decision.kind === "refuse" ? [decision.message] : [],
      ),
    );
    expect(messages).toHaveLength(7);
    expect(messages.filter((text) => !/Send `|Connect as an admin/.test(text))).toEqual([]);
    expect(
      messages.filter((text) => /no walls\. To have one, build some\./.test(text)),
    ).toHaveLength(3);
  });
});
