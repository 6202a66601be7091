/** Honest tokens of the wrong people, and what the refusals give away. */
import { expect } from "vitest";
import { attack } from "./attack.ts";
import { admittedOf, Bench } from "./bench.ts";
import {
  forge,
  honest,
  invalidText,
  mustAdmit,
  ownSigner,
  signersOf,
  tally,
  tryAll,
  upgradeWith,
  useTokenHost,
  withClaims,
  withHeaders,
} from "./token-host.ts";

const host = useTokenHost();

const invalid = { expect: { act: "upgrade.refused", code: "bearer_invalid" } } as const;

attack(
  "B14",
  "tokens of another host, another audience, another type, and with a key inside",
  {
    expect: [
      invalid.expect,
      { act: "upgrade.refused", code: "private_key_inside" },
      { act: "upgrade.refused", code: "bearer_bound" },
      { act: "upgrade.refused", code: "ticket_needed" },
    ],
  },
  async (bench) => {
    const signers = await signersOf(bench, host());
    await mustAdmit(bench, signers.map(honest));
    const neighbour = await Bench.start();
    const other = await ownSigner(neighbour);
    await neighbour.down();
    const [own, ...foreign] = signers;
    if (own === undefined) throw new Error("nobody signs");
    const paired = await bench.pair("admin");
    const answers = await tryAll(bench, [
      honest(other),
      forge({ ...own, key: other.key }, own.header, own.claims),
      forge(own, own.header, other.claims),
      ...withHeaders(own, { typ: "JWT" }, { typ: undefined }, { typ: "farhelm-generation+jwt" }),
      paired.token,
      ...foreign.flatMap((signer) => [
        forge({ ...signer, key: other.key }, other.header, signer.claims),
        ...withHeaders(signer, { typ: "farhelm-headless+jwt" }, { typ: "at+jwt" }, { typ: 1 }),
        ...withClaims(signer, { iss: own.claims["iss"], aud: own.claims["aud"] }),
        ...withClaims(signer, { agent_private_key: "MC4CAQAwBQYDK2VwBCIEIA" }),
        ...withClaims(signer, { cnf: { jkt: "x" } }),
      ]),
    ]);
    expect(Object.keys(tally(answers)).toSorted()).toEqual(
      [
        "401 A device's token alone does not open a connection.",
        invalidText,
        "401 This token holds a private key (agent_private_key): it is its owner's secret and opens nothing.",
        "401 This token is bound to a key, and of that there is no proof here.",
      ].toSorted(),
    );
    return { tried: answers.length, admitted: admittedOf(answers) };
  },
);

attack("B15", "subjects that were revoked, or that nobody listed", invalid, async (bench) => {
  const [own, ...foreign] = await signersOf(bench, host());
  if (own === undefined) throw new Error("nobody signs");
  await mustAdmit(bench, [honest(own)]);
  await (await bench.admin()).call("farhelm/devices/revoke", { id: String(own.claims["sub"]) });
  const answers = await tryAll(bench, [
    honest(own),
    ...withClaims(own, { sub: "tok_unknown" }, { sub: "" }, { sub: 1 }, { sub: ["x"] }),
    ...foreign.flatMap((signer) =>
      withClaims(
        signer,
        { sub: "mallory", agent_runtime_id: "a:b" },
        { sub: "mallory", account_id: "acct-2", role: "admin", roles: ["admin"] },
        { sub: "ALICE", account_id: "ACCT-1" },
        { sub: "alice ", account_id: "acct-1 " },
        { sub: "mallory", account_id: undefined, org: ["acme"] },
        { sub: "mallory", account_id: 1, org: { acme: true } },
        { sub: "x".repeat(300), agent_runtime_id: "x".repeat(300), org: "acme" },
        { sub: "mal\u202Elory", agent_runtime_id: "run\ntime", org: "acme" },
      ),
    ),
  ]);
  expect(Object.keys(tally(answers))).toEqual([invalidText]);
  return { tried: answers.length, admitted: admittedOf(answers) };
});

/** The chance that one of `left` took longer than one of `right`; 0.5 where they cannot be told apart. */
function longerShare(left: readonly number[], right: readonly number[]): number {
  const longer = left.flatMap((a) => right.map((b) => (a > b ? 1 : a === b ? 0.5 : 0)));
  return longer.reduce<number>((sum, each) => sum + each, 0) / longer.length;
}

attack(
  "B16",
  "telling an unknown subject from a wrong signature, by what is said and by how long it takes",
  { ...invalid, timeoutMs: 240_000 },
  async (bench) => {
    const signers = await signersOf(bench, host());
    let tried = 0;
    let admitted = 0;
    let worst = 0;
    for (const signer of signers) {
      const { header, claims } = signer;
      const [wrong, unknown]: [number[], number[]] = [[], []];
      const seen = new Set<string>();
      for (let round = 0; round < 150; round += 1) {
        if (round % 25 === 0) bench.moveOn();
        // No two alike: what the host remembers of a token must not help.
        const fresh = { ...claims, jti: `${round}` };
        const signed = forge(signer, header, { ...fresh, sub: "nobody", account_id: "none" });
        const [head = "", body = "", signature = ""] = forge(signer, header, fresh).split(".");
        const bytes = Buffer.from(signature, "base64url");
        bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
        const broken = `${head}.${body}.${bytes.toString("base64url")}`;
        for (const [token, times] of [[broken, wrong] as const, [signed, unknown] as const]) {
          const startedMs = performance.now();
          const { status, headers, body: text } = await upgradeWith(bench, token);
          times.push(performance.now() - startedMs);
          seen.add(JSON.stringify([status, Object.keys(headers), text]));
          admitted += status < 400 ? 1 : 0;
          tried += 1;
        }
      }
      expect([...seen]).toHaveLength(1);
      worst = Math.max(worst, Math.abs(longerShare(wrong, unknown) - 0.5));
    }
    expect(worst).toBeLessThan(0.3);
    return { tried, admitted, worstShare: (0.5 + worst).toFixed(2) };
  },
);
