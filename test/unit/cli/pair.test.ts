import { describe, expect, test } from "vitest";
import { useControlHost } from "./control-host.ts";

const host = useControlHost();
const { cli, hostThat } = host;

describe("pairing from the command line", () => {
  const offer = {
    id: "pair_1",
    url: "http://localhost/pair#s.h",
    code: "ABCD-EFGH",
    expiresAtMs: Date.now() + 600_000,
    first: false,
  };
  const request = {
    deviceName: "phone\u001b[2J",
    address: "192.0.2.7",
    way: "code",
    fingerprint: "0011 2233 4455 6677",
    words: ["acorn", "kite", "vase", "zinc"],
  };
  const pairing = {
    id: "pair_1",
    phase: "proved",
    role: "operator",
    deviceTtlMs: 86_400_000 * 3,
    expiresAtMs: Date.now() + 300_000,
    because: null,
    deviceId: null,
    request,
  };

  test("pair prints the link, and on a terminal the code and a QR code too", async () => {
    await hostThat(() => ({ result: offer }));
    expect((await cli("pair --role operator")).out).toBe(`${offer.url}\n`);
    const { out } = await cli("pair --guest 12h --no-wait", true);
    expect(out).toMatch(/[█▀▄]{5}/);
    expect(out).toContain("open http://localhost/pair there and type the code  ABCD-EFGH\n");
    expect(out).toContain("(10 min)");
    expect(out).toContain('"npx farhelm pair confirm pair_1"');
    expect(host.calls.filter(({ method }) => method === "farhelm/pair/offer")).toEqual([
      { method: "farhelm/pair/offer", params: { role: "operator" } },
      { method: "farhelm/pair/offer", params: { role: "admin", deviceTtlMs: 43_200_000 } },
    ]);
  });

  test.each([
    ["y", "farhelm/pair/confirm", "enrolled", "phone?[2J is paired.\n"],
    [
      "",
      "farhelm/pair/refuse",
      "refused",
      'phone?[2J stays out. Its link is used up: for your own device "npx farhelm pair" makes a new one.\n',
    ],
  ])("on a terminal it shows who waits and asks; %j is %s", async (typed, method, end, last) => {
    const because = end === "refused" ? "declined" : null;
    const phases = [
      { ...pairing, phase: "offered", request: null },
      pairing,
      { ...pairing, phase: end, because },
    ];
    await hostThat((asked) => {
      if (asked === "farhelm/pair/offer") return { result: offer };
      if (asked !== "farhelm/pair/list") return { result: { done: true } };
      const [now] = phases.length > 1 ? phases.splice(0, 1) : phases;
      // A notification of a change, as it comes while the command looks at the list.
      setImmediate(() => host.notify("farhelm/pair/changed", { pairing: { id: "pair_1" } }));
      return { result: { data: [{ ...pairing, id: "pair_0" }, now] } };
    });
    const questions: string[] = [];
    const { code, out } = await cli("pair", true, (question) => {
      questions.push(question);
      return typed;
    });
    expect(code).toBe(0);
    for (const line of [
      "name     phone?[2J",
      "address  192.0.2.7, by code",
      "key      0011 2233 4455 6677",
      "role     operator, for 3 days",
      "words    acorn kite vase zinc",
    ])
      expect(out).toContain(`  ${line}\n`);
    expect(questions).toEqual(["Does the new device show these words, and is it yours? [y/N] "]);
    expect(host.calls).toContainEqual({ method, params: { id: "pair_1" } });
    expect(out.endsWith(last)).toBe(true);
  });

  test("pair list is a table; pair confirm, refuse and cancel say what they did", async () => {
    await hostThat((method) =>
      method === "farhelm/pair/list"
        ? { result: { data: [{ ...pairing, expiresAtMs: 1_700_000_000_000 }] } }
        : { result: { done: method !== "farhelm/pair/cancel" } },
    );
    expect((await cli("pair list")).out.split("\n")).toEqual(
      [
        "ID      PHASE   UNTIL                 ROLE      NAME        ADDRESS    KEY                  WORDS",
        "pair_1  proved  2023-11-14T22:13:20Z  operator  phone?[2J   192.0.2.7  0011 2233 4455 6677  acorn kite vase zinc",
        "",
      ].map((line) =>
        line.replace("phone?[2J   ", "phone?[2J  ").replace("NAME        ", "NAME       "),
      ),
    );
    expect((await cli("pair confirm pair_1")).out).toBe("Confirmed pair_1.\n");
    expect((await cli("pair refuse pair_1")).out).toBe("Refused pair_1.\n");
    expect(await cli("pair cancel pair_1")).toMatchObject({
      code: 1,
      err: 'farhelm: No unused link is in the pairing pair_1; "npx farhelm pair list" shows them.\n',
    });
  });
});
