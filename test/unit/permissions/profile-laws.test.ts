import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { policyOfProfile, profileOfPolicy } from "../../../src/permissions/legacy-policy.ts";
import { accessTo, pathRules } from "../../../src/permissions/path-access.ts";
import {
  grantEntries,
  intersection,
  isUnconfined,
  isWithin,
  sameProfile,
  withDeniesOf,
  withGrant,
} from "../../../src/permissions/profile-algebra.ts";
import { PermissionProfile } from "../../../src/protocol/permission-profile.ts";
import type {
  AdditionalPermissions,
  FileSystemEntry,
} from "../../../src/protocol/permission-profile.ts";
import {
  anyConfined,
  anyGrant,
  anyPolicy,
  anyProfile,
  anyRuleProfile,
  ground,
  probes,
} from "./any-profile.ts";

const levels = { none: 0, read: 1, write: 2 } as const;

/** What it gives at every path that tells. */
function levelsOf(profile: PermissionProfile): readonly number[] {
  const rules = pathRules(profile, ground);
  return probes.map((path) => levels[accessTo(path, rules)]);
}
const network = (profile: PermissionProfile): boolean =>
  profile.type !== "managed" || profile.network.enabled;

const isNoMore = (one: PermissionProfile, other: PermissionProfile): boolean => {
  const most = levelsOf(other);
  const filesFit = levelsOf(one).every((level, at) => level <= (most[at] ?? 0));
  return filesFit && (network(other) || !network(one));
};

const confinedBy = (entries: readonly FileSystemEntry[], enabled: boolean): PermissionProfile => ({
  type: "managed",
  fileSystem: { type: "restricted", entries: [...entries], globScanMaxDepth: undefined },
  network: { enabled },
});

/** Each entry of a grant gives by itself. */
const levelsGranted = (grant: AdditionalPermissions): readonly number[] =>
  grantEntries(grant)
    .map((entry) => levelsOf(confinedBy([entry], false)))
    .reduce(
      (most, given) => most.map((level, at) => Math.max(level, given[at] ?? 0)),
      probes.map(() => 0),
    );

const check = <Values>(law: fc.IProperty<Values>): void => fc.assert(law, { numRuns: 400 });

describe("a profile and the older policy", () => {
  test("every policy comes back whole", () =>
    check(
      fc.property(anyPolicy, (policy) => {
        expect(policyOfProfile(profileOfPolicy(policy))).toEqual(policy);
      }),
    ));

  test("a policy's profile comes back the same", () =>
    check(
      fc.property(anyPolicy, (policy) => {
        const profile = profileOfPolicy(policy);
        expect(sameProfile(profileOfPolicy(policyOfProfile(profile)), profile)).toBe(true);
      }),
    ));

  test("survives being written down", () =>
    check(
      fc.property(anyProfile, (profile) => {
        const read = PermissionProfile.parse(JSON.parse(JSON.stringify(profile)));
        expect(sameProfile(read, profile)).toBe(true);
      }),
    ));
});

describe("equality", () => {
  test("neither order nor repetition counts, and the same is allowed", () =>
    check(
      fc.property(anyConfined, fc.nat(), (profile, turn) => {
        const { fileSystem } = profile;
        if (fileSystem.type === "unrestricted") return;
        const { entries } = fileSystem;
        const at = entries.length === 0 ? 0 : turn % entries.length;
        const turned = [...entries.slice(at), ...entries.slice(0, at), ...entries.slice(0, 1)];
        const other = { ...profile, fileSystem: { ...fileSystem, entries: turned } };
        expect(sameProfile(profile, other)).toBe(true);
        expect(levelsOf(other)).toEqual(levelsOf(profile));
      }),
    ));

  test("what is the same allows the same", () =>
    check(
      fc.property(anyProfile, anyProfile, (one, other) => {
        const differs = !isDeepStrictEqual(levelsOf(one), levelsOf(other));
        expect(sameProfile(one, other) && differs).toBe(false);
      }),
    ));
});

describe("being within a limit", () => {
  test("means: no path and no network more", () =>
    check(
      fc.property(anyProfile, anyProfile, (one, other) => {
        expect(!isWithin(one, other, ground) || isNoMore(one, other)).toBe(true);
      }),
    ));

  test("holds wherever no path is more, where no pattern is in play", () =>
    check(
      fc.property(anyRuleProfile, anyRuleProfile, (one, other) => {
        expect(isWithin(one, other, ground)).toBe(isNoMore(one, other));
      }),
    ));

  test("is every profile in itself, and confined in unconfined", () =>
    check(
      fc.property(anyProfile, (profile) => {
        expect(isWithin(profile, profile, ground)).toBe(true);
        expect(isWithin(profile, { type: "disabled" }, ground)).toBe(true);
        expect(isWithin({ type: "disabled" }, profile, ground)).toBe(isUnconfined(profile));
      }),
    ));
});

describe("intersection", () => {
  test("narrows: it is within both", () =>
    check(
      fc.property(anyProfile, anyProfile, (one, other) => {
        const both = intersection(one, other, ground);
        expect(isNoMore(both, one)).toBe(true);
        expect(isNoMore(both, other)).toBe(true);
      }),
    ));

  test("takes no more away than it must, and the order does not matter", () =>
    check(
      fc.property(anyRuleProfile, anyRuleProfile, (one, other) => {
        const [left, right] = [levelsOf(one), levelsOf(other)];
        const both = levelsOf(intersection(one, other, ground));
        expect(both).toEqual(left.map((level, at) => Math.min(level, right[at] ?? 0)));
        expect(levelsOf(intersection(other, one, ground))).toEqual(both);
      }),
    ));

  test("with itself changes nothing", () =>
    check(
      fc.property(anyConfined, (profile) => {
        expect(levelsOf(intersection(profile, profile, ground))).toEqual(levelsOf(profile));
      }),
    ));
});

describe("a grant", () => {
  test("takes nothing away", () =>
    check(
      fc.property(anyProfile, anyGrant, (profile, grant) => {
        expect(isNoMore(profile, withGrant(profile, grant, ground))).toBe(true);
      }),
    ));

  test("gives no more than profile and grant together, and all of the grant that is not denied", () =>
    check(
      fc.property(anyRuleProfile, anyGrant, (profile, grant) => {
        const before = levelsOf(profile);
        const given = levelsGranted(grant);
        const after = levelsOf(withGrant(profile, grant, ground));
        for (const [at, level] of after.entries()) {
          expect(level).toBeLessThanOrEqual(Math.max(before[at] ?? 0, given[at] ?? 0));
        }
      }),
    ));

  test("once or twice is the same", () =>
    check(
      fc.property(anyProfile, anyGrant, (profile, grant) => {
        const once = withGrant(profile, grant, ground);
        expect(levelsOf(withGrant(once, grant, ground))).toEqual(levelsOf(once));
      }),
    ));

  test("leaves every denial", () =>
    check(
      fc.property(anyConfined, anyGrant, (profile, grant) => {
        const widened = withGrant(profile, grant, ground);
        expect(levelsOf(withDeniesOf(widened, profile, ground))).toEqual(levelsOf(widened));
      }),
    ));
});

describe("a profile in place of the configured one", () => {
  test("keeps every denial and gives no more than it says itself", () =>
    check(
      fc.property(anyProfile, anyConfined, (profile, configured) => {
        const kept = withDeniesOf(profile, configured, ground);
        expect(isNoMore(kept, profile)).toBe(true);
        if (configured.fileSystem.type === "unrestricted") return;
        // what stands open in the place of the configured one's gaps: only what it denies is none
        const open = [{ path: { type: "path" as const, path: "/" }, access: "write" as const }];
        const said = levelsOf(confinedBy([...open, ...configured.fileSystem.entries], false));
        expect(levelsOf(kept).filter((level, at) => said[at] === 0 && level > 0)).toEqual([]);
      }),
    ));
});
