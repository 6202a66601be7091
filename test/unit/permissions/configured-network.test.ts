import { expect, test } from "vitest";
import {
  isLooserNetwork,
  networkRules,
  networkSources,
  type NetworkSources,
  type RequiredNetwork,
} from "../../../src/permissions/configured-network.ts";
import type { NetworkRules } from "../../../src/permissions/network-rules.ts";

interface Given {
  readonly raw?: Readonly<Record<string, unknown>>;
  readonly pins?: Readonly<Record<string, boolean>>;
  readonly network?: RequiredNetwork;
  readonly standard?: string;
}

const on = { features: { network_proxy: true } };

function sourcesOf({ raw = on, pins = {}, network, standard }: Given): NetworkSources {
  const requirements = { featurePins: new Map(Object.entries(pins)), network };
  return networkSources({ raw, requirements, defaultPermissions: standard ?? null });
}
const rulesOf = (given: Given, profile: string | null = null): NetworkRules | undefined =>
  networkRules(sourcesOf(given), profile);

const nothing = {
  allowed: [],
  denied: [],
  reviewed: [],
  allowsLocal: false,
  readsOnly: false,
  isClosed: false,
};

test.each<[Given, boolean]>([
  [{ raw: {} }, false],
  [{ raw: { features: { network_proxy: false } } }, false],
  [{ raw: on }, true],
  [{ raw: { features: { network_proxy: { enabled: true } } } }, true],
  [{ raw: { features: { network_proxy: { domains: { "a.test": "allow" } } } } }, false],
  [{ raw: on, pins: { network_proxy: false } }, false],
  [{ raw: {}, pins: { network_proxy: true } }, true],
  [{ raw: {}, network: { enabled: true } }, true],
  [{ raw: {}, network: { domains: { "a.test": "deny" } } }, false],
  [{ raw: on, network: { enabled: false } }, true],
  [{ raw: on, pins: { network_proxy: false }, network: { enabled: true } }, true],
])("%j is behind a proxy: %s", (given, isBehind) => {
  expect(rulesOf(given) !== undefined).toBe(isBehind);
});

test("a profile's table is laid over those that it builds on, and the feature's over all", () => {
  const raw = {
    permissions: {
      base: {
        network: {
          mode: "limited",
          allow_local_binding: true,
          domains: { "a.test": "allow", "b.test": "deny", "c.test": "allow", "d.test": "allow" },
        },
      },
      own: {
        extends: "base",
        network: { mode: "full", domains: { "b.test": "allow", "c.test": "none" } },
      },
      other: { network: { domains: { "other.test": "allow" } } },
    },
    features: {
      network_proxy: { enabled: true, domains: { "d.test": "deny", "*.e.test": "allow" } },
    },
  };
  expect(rulesOf({ raw }, "own")).toEqual({
    ...nothing,
    allowed: ["a.test", "b.test", "*.e.test"],
    denied: ["d.test"],
    allowsLocal: true,
  });
  expect(rulesOf({ raw }, "base")).toMatchObject({ readsOnly: true });
  expect(rulesOf({ raw }, ":workspace")).toEqual({
    ...nothing,
    allowed: ["*.e.test"],
    denied: ["d.test"],
  });
  expect(rulesOf({ raw })).toEqual(rulesOf({ raw }, ":workspace"));
});

test("the older lists count, and what they deny stays so", () => {
  const network = { allowed_domains: ["a.test", "b.test"], denied_domains: ["b.test"] };
  const raw = { ...on, permissions: { own: { network } } };
  expect(rulesOf({ raw }, "own")).toEqual({ ...nothing, allowed: ["a.test"], denied: ["b.test"] });
});

test("what the machine's owner denies is denied, whatever others allow", () => {
  const raw = { features: { network_proxy: { enabled: true, domains: { "a.test": "allow" } } } };
  const network: RequiredNetwork = {
    domains: { "a.test": "deny", "m.test": "allow" },
    reviewDomains: ["pay.test"],
    allowLocalBinding: false,
  };
  expect(rulesOf({ raw, network })).toEqual({
    ...nothing,
    allowed: ["a.test", "m.test"],
    denied: ["a.test"],
    reviewed: ["pay.test"],
  });
  expect(rulesOf({ raw, network: { ...network, managedAllowedDomainsOnly: true } })).toEqual({
    ...nothing,
    allowed: ["m.test"],
    denied: ["a.test"],
    reviewed: ["pay.test"],
    isClosed: true,
  });
});

test.each([
  { domains: { "https://a.test": "deny" } },
  { domains: { "a.test:443": "allow" } },
  { domains: { "a.test": "sometimes" } },
  { denied_domains: ["a.test/x"] },
  { mode: "fast" },
  { allow_local_binding: "yes" },
])("%j is no set of rules, and none is made of it", (network) => {
  expect(() => rulesOf({ raw: { ...on, permissions: { own: { network } } } }, "own")).toThrow(
    /is no pattern of hosts|is invalid/,
  );
  expect(() =>
    rulesOf({ raw: { features: { network_proxy: { enabled: true, ...network } } } }),
  ).toThrow(/is no pattern of hosts|is invalid/);
});

test("profiles that build on each other in a circle end", () => {
  const permissions = { a: { extends: "b" }, b: { extends: "a" } };
  expect(rulesOf({ raw: { ...on, permissions } }, "a")).toEqual(nothing);
});

test("what the configured profile denies stays denied under every other", () => {
  const permissions = {
    work: { network: { domains: { "a.test": "allow", "evil.test": "deny" } } },
    other: { network: { domains: { "a.test": "allow", "evil.test": "allow" } } },
  };
  const given = { raw: { ...on, permissions }, standard: "work" };
  for (const profile of ["other", "work", null])
    expect(rulesOf(given, profile)?.denied).toEqual(["evil.test"]);
});

test.each([
  [{ domains: { "a.test": "allow" } }, false],
  [{ domains: {} }, false],
  [{ domains: { "a.test": "allow", "b.test": "deny" } }, false],
  [{ domains: { "a.test": "allow", "b.test": "allow" } }, true],
  [{ domains: { "*": "allow" } }, true],
  [{ allow_local_binding: true }, true],
  [{ mode: "limited" }, false],
])("a profile with %j is looser: %s", (network, isLooser) => {
  const permissions = { work: { network: { domains: { "a.test": "allow" } } }, other: { network } };
  const given = { raw: { ...on, permissions }, standard: "work" };
  expect(isLooserNetwork(sourcesOf(given), "other")).toBe(isLooser);
  expect(isLooserNetwork(sourcesOf({ ...given, raw: { permissions } }), "other")).toBe(false);
});
