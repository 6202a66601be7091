/** What a person grants never reaches past what was asked for, what the profile denies, or what they were shown. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  grantable,
  grantedOf,
  isGrantedAlready,
  mergedGrants,
  permissionsOf,
  stillThere,
  wishOf,
} from "../../../src/permissions/grants.ts";
import {
  gainsOf,
  gainsOfReaching,
  gainsOfWriting,
} from "../../../src/permissions/permission-gains.ts";
import {
  accessTo,
  isInside,
  pathRules,
  rootWritable,
} from "../../../src/permissions/path-access.ts";
import type { Ground } from "../../../src/permissions/path-access.ts";
import { grantEntries, hasNetwork, withGrant } from "../../../src/permissions/profile-algebra.ts";
import type {
  AdditionalPermissions,
  FileSystemEntry,
  PermissionProfile,
} from "../../../src/protocol/permission-profile.ts";
import { keptGains } from "../../helpers/kept-gains.ts";
import { anyConfined, anyGrant, anyProfile, ground, probes } from "./any-profile.ts";

const levels = { none: 0, read: 1, write: 2 } as const;

const levelsOf = (profile: PermissionProfile, on: Ground = ground): readonly number[] => {
  const rules = pathRules(profile, on);
  return probes.map((path) => levels[accessTo(path, rules)]);
};
const nothing: PermissionProfile = {
  type: "managed",
  fileSystem: { type: "restricted", entries: [], globScanMaxDepth: undefined },
  network: { enabled: false },
};
const levelsGranted = (grant: AdditionalPermissions): readonly number[] =>
  grantEntries(grant)
    .map((entry) => levelsOf(withGrant(nothing, { fileSystem: { entries: [entry] } }, ground)))
    .reduce(
      (most, given) => most.map((level, at) => Math.max(level, given[at] ?? 0)),
      probes.map(() => 0),
    );

const check = <Values>(law: fc.IProperty<Values>): void => fc.assert(law, { numRuns: 400 });

/** From the question to the profile that later commands have. */
function settled(
  profile: PermissionProfile,
  asked: AdditionalPermissions,
  answer: AdditionalPermissions,
) {
  const wish = grantable(wishOf(asked, ground), profile, ground);
  const granted = permissionsOf(grantedOf(wish, answer, ground));
  return { granted, after: withGrant(profile, granted, ground) };
}

describe("what is granted", () => {
  test("is no more than was asked for, and no more than was answered", () =>
    check(
      fc.property(anyConfined, anyGrant, anyGrant, (profile, asked, answer) => {
        const { granted } = settled(profile, asked, answer);
        const [wished, given] = [levelsGranted(asked), levelsGranted(answer)];
        for (const [at, level] of levelsGranted(granted).entries())
          expect(level).toBeLessThanOrEqual(Math.min(wished[at] ?? 0, given[at] ?? 0));
        const isNetwork = asked.network?.enabled === true && answer.network?.enabled === true;
        expect(granted.network?.enabled === true && !isNetwork).toBe(false);
      }),
    ));

  test("never opens what the profile denies", () =>
    check(
      fc.property(anyConfined, anyGrant, anyGrant, (profile, asked, answer) => {
        const isDenied = deniedProbes(profile);
        const now = levelsOf(settled(profile, asked, answer).after);
        expect(now.filter((level, at) => isDenied[at] === true && level > 0)).toEqual([]);
      }),
    ));

  test("is all that was asked for and can be had, where the answer says yes to it", () =>
    check(
      fc.property(anyConfined, anyGrant, (profile, asked) => {
        const wish = grantable(wishOf(asked, ground), profile, ground);
        const answer = {
          network: { enabled: wish.network },
          fileSystem: { entries: wish.entries.map(({ entry }) => entry) },
        };
        const { after } = settled(profile, asked, answer);
        const rules = pathRules(after, ground);
        for (const { path, access } of wish.entries.flatMap(({ places }) => places))
          expect(levels[accessTo(path, rules)]).toBeGreaterThanOrEqual(levels[access]);
        expect(!wish.network || hasNetwork(after)).toBe(true);
      }),
    ));

  test("takes nothing away", () =>
    check(
      fc.property(anyProfile, anyGrant, anyGrant, (profile, asked, answer) => {
        const before = levelsOf(profile);
        const { after } = settled(profile, asked, answer);
        for (const [at, level] of levelsOf(after).entries())
          expect(level).toBeGreaterThanOrEqual(before[at] ?? 0);
      }),
    ));

  test("is known again", () =>
    check(
      fc.property(anyGrant, anyGrant, (one, other) => {
        const wish = wishOf(one, ground);
        const merged = mergedGrants(mergedGrants({}, permissionsOf(wish)), other);
        expect(isGrantedAlready(wish, merged)).toBe(true);
      }),
    ));
});

/** Which probes nothing may be read at because the profile says so, not because it says nothing of them. */
function deniedProbes(profile: PermissionProfile): readonly boolean[] {
  const { rules, deniedGlobs } = pathRules(profile, ground);
  const patterns = { rules: rootWritable.rules, deniedGlobs, globScanMaxDepth: undefined };
  const before = levelsOf(profile);
  return probes.map((path, at) => {
    const isNamed = rules.some((rule) => rule.access === "none" && isInside(rule.path, path));
    return accessTo(path, patterns) === "none" || (before[at] === 0 && isNamed);
  });
}

const write = (path: string): FileSystemEntry => ({
  path: { type: "path", path },
  access: "write",
});
const writes = (...paths: readonly string[]): AdditionalPermissions => ({
  fileSystem: { entries: paths.map(write) },
});

const linked = (target: string): Ground => ({
  ...ground,
  realPath: (path) => path.replace(/^\/w\/link/, target),
});

describe("a link", () => {
  test("is granted where it led when the question was put, though it leads elsewhere by the answer", () => {
    const wish = wishOf(writes("/w/link"), linked("/x"));
    const granted = grantedOf(wish, writes("/w/link"), linked("/home"));
    expect(permissionsOf(granted)).toEqual(writes("/x"));
  });

  test("below what was asked for grants nothing when it leads out of it", () => {
    const wish = wishOf(writes("/w/link"), linked("/x"));
    expect(permissionsOf(grantedOf(wish, writes("/w/link/y"), linked("/home")))).toEqual({});
  });

  test("that takes the place of what was granted ends the grant", () => {
    expect(stillThere(writes("/w/link", "/v"), linked("/home"))).toEqual(writes("/v"));
    const circle: Ground = {
      ...ground,
      realPath: () => {
        throw new Error("too many symbolic links");
      },
    };
    expect(stillThere(writes("/v"), circle)).toEqual(writes());
  });
});

test("an answer that goes beyond an entry gives nothing of it", () => {
  const wish = wishOf({ ...writes("/x/y", "/v"), network: { enabled: false } }, ground);
  const answer = { ...writes("/", "/v/c"), network: { enabled: true } };
  expect(permissionsOf(grantedOf(wish, answer, ground))).toEqual(writes("/v/c"));
});

describe("what an approval would allow anew", () => {
  test("names every path and the network that is given now, and nothing else", () =>
    check(
      fc.property(anyConfined, anyGrant, (profile, grant) => {
        const after = withGrant(profile, grant, ground);
        const gains = gainsOf(profile, after, ground);
        const [before, now] = [levelsOf(profile), levelsOf(after)];
        const unnamed = probes.filter((path, at) => {
          const isNew = (now[at] ?? 0) > (before[at] ?? 0);
          const named = now[at] === 2 ? gains.write : [...gains.read, ...gains.write];
          return isNew && !named.some((folder) => isInside(folder, path));
        });
        expect(unnamed).toEqual([]);
        expect(gains.sandbox).toBe("kept");
        expect(gains.network).toBe(hasNetwork(after) && !hasNetwork(profile));
        const rules = pathRules(after, ground);
        for (const path of gains.write) expect(accessTo(path, rules)).toBe("write");
      }),
    ));

  test("is nothing for what changes nothing", () =>
    check(
      fc.property(anyConfined, (profile) => {
        expect(gainsOf(profile, profile, ground)).toEqual(keptGains);
      }),
    ));

  test("outside of the sandbox is everything", () => {
    const unconfined = { type: "disabled" } as const;
    const left = { ...keptGains, network: true };
    expect(gainsOf(nothing, unconfined, ground)).toEqual({ ...left, sandbox: "left" });
    expect(gainsOf(unconfined, unconfined, ground)).toEqual({
      ...left,
      sandbox: "none",
      network: false,
    });
    const external = { type: "external", network: { enabled: false } } as const;
    expect(gainsOf(external, unconfined, ground)).toMatchObject({ sandbox: "external" });
  });

  test("outside of a sandbox with a proxy is the open network", () => {
    const online = { ...nothing, network: { enabled: true } };
    expect(gainsOf(online, { type: "disabled" }, ground, true)).toMatchObject({ network: true });
    expect(gainsOf(nothing, online, ground, true)).toMatchObject({ network: true, proxied: true });
    expect(gainsOfReaching("https://example.com:443")).toEqual({
      ...keptGains,
      hosts: ["https://example.com:443"],
    });
  });

  test("of a patch is the files that may not be written", () => {
    const profile = withGrant(nothing, writes("/w"), ground);
    expect(gainsOfWriting(["/w/a", "/x/y", "/w/.git/config", "/x/y"], profile, ground)).toEqual({
      ...keptGains,
      write: ["/x/y", "/w/.git/config"],
    });
  });
});
