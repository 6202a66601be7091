import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { issuerKey } from "../../helpers/foreign-issuer.ts";
import type { Answer } from "./control-host.ts";
import { useControlHost } from "./control-host.ts";

const host = useControlHost();
const { cli, hostThat } = host;

const device = {
  id: "dev_1",
  kind: "device",
  name: "phone\u001b[2J\u202e",
  role: "admin",
  createdAtMs: 1_700_000_000_000,
  lastSeenAtMs: null,
  expiresAtMs: null,
  fingerprint: "0011 2233 4455 6677",
};

/** An entry of farhelm.toml with its keys in a file. */
const issuer = (iss: string): string =>
  `[[issuers]]\niss = "${iss}"\naud = "a"\nalgorithms = ["ES256"]\nsubjects = { a = "viewer" }\njwks_file = "${iss}.json"\n`;

describe("commands that speak to the running host", () => {
  test("introduce themselves, then ask", async () => {
    await hostThat(() => ({ result: { data: [] } }));
    await cli("devices list");
    expect(host.calls).toEqual([
      {
        method: "initialize",
        params: {
          clientInfo: { name: "farhelm-cli", title: null, version: "9.9.9" },
          capabilities: { experimentalApi: true },
        },
      },
      { method: "farhelm/devices/list", params: {} },
    ]);
  });

  test("token prints the token and nothing else", async () => {
    await hostThat(() => ({ result: { token: "aa.bb.cc", id: "t", expiresAtMs: 1 } }));
    const { code, out, err } = await cli("token --name ci --role viewer --ttl 12h");
    expect({ code, out, err }).toEqual({ code: 0, out: "aa.bb.cc\n", err: "" });
    expect(host.calls[1]).toEqual({
      method: "farhelm/token/issue",
      params: { name: "ci", role: "viewer", ttlMs: 43_200_000 },
    });
  });

  test.each(["0d", "1w", "d", "-1h", "1.5h"])("token refuses --ttl %s", async (ttl) => {
    const { code, err } = await cli(`token --name ci --role viewer --ttl=${ttl}`);
    expect(code).toBe(1);
    expect(err).toContain("is not a time");
  });

  test("devices list is a table whose cells cannot steer the terminal", async () => {
    await hostThat(() => ({ result: { data: [device] } }));
    const { out } = await cli("devices list");
    expect(out.split("\n")).toEqual([
      "ID     KIND    NAME        ROLE   ADDED              LAST SEEN  EXPIRES  SCOPE  FINGERPRINT",
      "dev_1  device  phone?[2J?  admin  2023-11-14T22:13Z  -          -        -      0011 2233 4455 6677",
      "",
    ]);
    expect(JSON.parse((await cli("devices list --json")).out)).toEqual([device]);
  });

  test("devices revoke says what it did, or that there is none", async () => {
    await hostThat(() => ({ result: { revoked: true } }));
    expect(await cli("devices revoke dev_1")).toMatchObject({
      code: 0,
      out: "Revoked dev_1; its connections are closed.\n",
    });
    expect(host.calls[1]).toEqual({ method: "farhelm/devices/revoke", params: { id: "dev_1" } });
  });

  test("devices revoke --all names what it revoked, and wants no id beside it", async () => {
    await hostThat(() => ({ result: { revoked: true, was: null, ids: ["dev_1", "tok_2"] } }));
    expect(await cli("devices revoke --all")).toMatchObject({
      code: 0,
      out: "Revoked 2: dev_1, tok_2; their connections are closed.\n",
    });
    expect(host.calls[1]).toEqual({ method: "farhelm/devices/revoke", params: { all: true } });
    for (const words of ["devices revoke --all dev_1", "devices revoke"]) {
      const { code, err } = await cli(words);
      expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining("--all") });
    }
  });

  test("devices revoke and restore take identities and accounts of other issuers", async () => {
    const alice = "https://id.example.com|alice";
    const answers: Readonly<Record<string, Answer>> = {
      "farhelm/devices/revoke": { result: { revoked: true, was: "unknown", ids: [alice] } },
      "farhelm/devices/restore": { result: { restored: true } },
    };
    await hostThat((method) => answers[method] ?? { error: { code: 1, message: method } });
    expect([
      (await cli(`devices revoke ${alice}`)).out,
      (await cli("devices revoke --account acme")).out,
      (await cli(`devices restore ${alice}`)).out,
      (await cli("devices restore --account acme")).out,
    ]).toEqual([
      `Revoked ${alice}; it was not in, and does not come in from now on.\n`,
      `Revoked the account acme; the connections of ${alice} are closed.\n`,
      `Restored ${alice}; what farhelm.toml gives holds again.\n`,
      "Restored the account acme; what farhelm.toml gives holds again.\n",
    ]);
    expect(
      host.calls.filter(({ method }) => method !== "initialize").map(({ params }) => params),
    ).toEqual([{ id: alice }, { account: "acme" }, { id: alice }, { account: "acme" }]);
    const many = [
      "revoke x --account y",
      "revoke --all --account y",
      "restore",
      "restore x --account y",
    ];
    for (const words of many) {
      expect(await cli(`devices ${words}`)).toMatchObject({
        code: 1,
        err: expect.stringContaining("--account"),
      });
    }
  });

  test("devices restore of who was not revoked says so; devices are paired again", async () => {
    await hostThat(() => ({ result: { restored: false } }));
    expect(await cli("devices restore https://id.example.com|bob")).toMatchObject({
      code: 0,
      out: "https://id.example.com|bob was not revoked; nothing changed.\n",
    });
    expect(await cli("devices restore dev_1")).toMatchObject({
      code: 1,
      err: expect.stringContaining("npx farhelm pair"),
    });
  });

  test("devices list shows who of other issuers is kept out", async () => {
    const revoked = [{ kind: "account", id: "acme\u001b[2J", revokedAtMs: 1_700_000_000_000 }];
    await hostThat(() => ({ result: { data: [device], revoked } }));
    const { out } = await cli("devices list");
    expect(out.split("\n").slice(2)).toEqual([
      "",
      "REVOKED   KIND     SINCE",
      "acme?[2J  account  2023-11-14T22:13Z",
      "",
    ]);
    expect(JSON.parse((await cli("devices list --json")).out)).toEqual([device, ...revoked]);
  });

  test("devices rename and change say what holds now", async () => {
    const scope = { projects: ["/srv/one"] };
    const changed = { ...device, name: "Tab\u001blet", role: "operator", roleUntilMs: 0, scope };
    await hostThat(() => ({ result: { device: changed } }));
    expect((await cli("devices rename dev_1 Tablet")).out).toBe("dev_1 is now called Tab?let.\n");
    const { out } = await cli(
      "devices change dev_1 --role operator --role-for 2h --never-expires --project /srv/one",
    );
    expect(out).toContain("operator until 1970-01-01T00:00Z");
    expect(out).toContain("/srv/one");
    const [rename, change] = host.calls.filter(({ method }) => method === "farhelm/devices/change");
    expect(rename?.params).toEqual({ id: "dev_1", name: "Tablet" });
    expect(change?.params).toEqual({
      id: "dev_1",
      role: "operator",
      roleUntilMs: expect.any(Number),
      expiresAtMs: null,
      scope,
    });
    expect(await cli("devices change dev_1")).toMatchObject({ code: 1 });
  });

  test("revoking twice says so, and is no failure", async () => {
    await hostThat(() => ({ result: { revoked: false, was: "revoked", ids: [] } }));
    expect(await cli("devices revoke dev_1")).toMatchObject({
      code: 0,
      out: "dev_1 was revoked before; nothing changed.\n",
    });
  });

  test("confirm-restore lists who would come in, and confirms with --yes alone", async () => {
    const restored = { generation: 2, knownGeneration: 5, deviceId: "dev_1", foundAtMs: 0 };
    await hostThat((method) => {
      if (method === "farhelm/restore/read") return { result: { restored } };
      return { result: method === "farhelm/devices/list" ? { data: [device] } : {} };
    });
    const { out } = await cli("devices confirm-restore");
    expect(out).toContain("older than what dev_1 knows of it (generation 2, known 5)");
    expect(out).toContain("dev_1  device  phone?[2J?  admin");
    expect(out).toContain("npx farhelm devices confirm-restore --yes");
    expect(host.calls.map(({ method }) => method)).not.toContain("farhelm/restore/confirm");
    expect((await cli("devices confirm-restore --yes")).out).toContain("they may connect again");
    expect(host.calls.at(-1)?.method).toBe("farhelm/restore/confirm");
  });

  test("confirm-restore of a host that is not locked does nothing", async () => {
    await hostThat(() => ({ result: { restored: null } }));
    expect((await cli("devices confirm-restore --yes")).out).toContain("nothing to confirm");
    expect(host.calls.map(({ method }) => method)).toEqual(["initialize", "farhelm/restore/read"]);
  });

  test("revoking what does not exist fails", async () => {
    await hostThat(() => ({ result: { revoked: false, was: "unknown", ids: [] } }));
    expect(await cli("devices revoke dev_9")).toMatchObject({
      code: 1,
      err: 'farhelm: There is no device dev_9; "npx farhelm devices list" shows them.\n',
    });
  });

  test.each([
    ["a refusal", { error: { code: -32600, message: "not now" } }, "The host refused: not now"],
    ["an answer of another shape", { result: { data: 5 } }, 'without a usable "data"'],
    ["a closed connection", "hang up", "The host closed the connection (going down)"],
  ] as const)("tell %s in one sentence", async (_what, answer, sentence) => {
    await hostThat(() => answer);
    const { code, out, err } = await cli("devices list");
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(/^farhelm: [^\n]*\n$/);
    expect(err).toContain(sentence);
  });

  test.each(["pair", "token --name a --role admin", "devices list", "devices revoke x"])(
    "without a host, %s says how to start one",
    async (words) => {
      const { code, out, err } = await cli(words);
      expect({ code, out, err }).toEqual({
        code: 1,
        out: "",
        err: `farhelm: No host is running for FARHELM_HOME=${host.home}; start it with "npm start" or "npx farhelm up".\n`,
      });
    },
  );

  test("a socket that a crashed host left behind counts as no host", async () => {
    writeFileSync(join(host.home, "control.sock"), "");
    expect((await cli("pair")).err).toContain("No host is running");
  });

  test("doctor looks at this machine and at the host", async () => {
    await hostThat(() => ({ result: { version: "9.9.9" } }));
    const { out } = await cli("doctor");
    expect(host.calls.map(({ method }) => method)).toEqual(["initialize", "farhelm/host/read"]);
    expect(out).toContain(`ok    Node ${process.versions.node}`);
    expect(out).toContain("ok    a host is running, Farhelm 9.9.9");
    expect(out).toContain("ok    sandbox: bubblewrap");
  });

  test.each([
    ["another version", { version: "9.9\u001b[2J" }, "9.9?[2J"],
    ["no version, as earlier ones", {}, "unknown"],
  ])("doctor fails with a fix when the running host has %s", async (_, result, shown) => {
    await hostThat(() => ({ result }));
    const { code, out } = await cli("doctor");
    expect(out).toContain(
      `FAIL  the running host is Farhelm ${shown}, this command is 9.9.9; stop it and start it again`,
    );
    expect(code).toBe(1);
  });

  test("doctor reads farhelm.toml as a start would", async () => {
    expect((await cli("doctor")).out).toContain(
      "ok    farhelm.toml is in order; other issuers of tokens: none",
    );
    writeFileSync(join(host.home, "farhelm.toml"), "[[issuers]]\nis = 1\n");
    const { code, out } = await cli("doctor");
    expect(out).toContain(`FAIL  ${join(host.home, "farhelm.toml")}:`);
    expect(code).toBe(1);
  });

  test("doctor asks the issuers for their keys", async () => {
    const keys = { keys: [issuerKey("ES256").jwk, issuerKey("RS256").jwk] };
    writeFileSync(join(host.home, "good.json"), JSON.stringify(keys));
    writeFileSync(join(host.home, "empty.json"), '{"keys":[]}');
    writeFileSync(join(host.home, "farhelm.toml"), ["good", "empty", "none"].map(issuer).join(""));
    const { code, out } = await cli("doctor");
    const fix = "check jwks_url or jwks_file in farhelm.toml, and that this machine reaches it";
    expect(out.split("\n").filter((line) => line.includes(" issuer "))).toEqual([
      "ok    issuer good: 2 usable keys",
      `FAIL  issuer empty: none of its keys can be used; ${fix}`,
      `FAIL  issuer none: the file could not be read (ENOENT); ${fix}`,
    ]);
    expect(code).toBe(1);
  });
});
