import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { profileOfPolicy } from "../../../src/permissions/legacy-policy.ts";
import { modeOfProfile } from "../../../src/permissions/required-mode.ts";
import type { PermissionProfile } from "../../../src/protocol/permission-profile.ts";
import { realPath } from "../../../src/util/real-path.ts";

const folder = mkdtempSync(join(tmpdir(), "farhelm-mode-"));
const [link, circle] = [join(folder, "link"), join(folder, "circle")];
symlinkSync("/", link);
symlinkSync(circle, circle);
afterAll(() => rmSync(folder, { recursive: true }));

const writing = (path: string): PermissionProfile => ({
  type: "managed",
  fileSystem: {
    type: "restricted",
    entries: [{ path: { type: "path", path }, access: "write" }],
    globScanMaxDepth: undefined,
  },
  network: { enabled: false },
});

describe("the mode that a profile comes to", () => {
  test.each(["/", "//", "/./", "/tmp/..", link, `${link}/tmp/..`])(
    "is danger-full-access where %s may be written",
    (path) => {
      expect(modeOfProfile(writing(path), realPath)).toBe("danger-full-access");
      const policy = profileOfPolicy({
        type: "workspaceWrite",
        writableRoots: [path],
        networkAccess: false,
        excludeTmpdirEnvVar: true,
        excludeSlashTmp: true,
      });
      expect(modeOfProfile(policy, realPath)).toBe("danger-full-access");
    },
  );

  test.each(["/tmp", circle])("is workspace-write where only %s may", (path) => {
    expect(modeOfProfile(writing(path), realPath)).toBe("workspace-write");
  });
});
