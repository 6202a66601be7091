/** What every ledger of calls does. */
import { describe, expect, it } from "vitest";
import type { CallLedger, callLedgerLimits } from "../../src/store/port.ts";

export interface LedgerUnderTest {
  readonly ledger: CallLedger;
  close(): Promise<void>;
}

type Limits = typeof callLedgerLimits;

const limits: Limits = {
  keptForMs: 1000,
  callsOfPrincipal: 3,
  calls: 5,
  answerBytes: 10,
  answerBytesOfPrincipal: 15,
  answerBytesOfAll: 20,
};

const id = (key: string, principalId = "dev_1") => ({ principalId, key });
const ended = (answer: string | null) => ({ kind: "ended", digest: "d", answer });

export function callLedgerContract(
  name: string,
  make: (limits: Limits, nowMs: () => number) => Promise<LedgerUnderTest>,
): void {
  const within = async (
    work: (ledger: CallLedger, clock: { nowMs: number }) => Promise<void>,
  ): Promise<void> => {
    const clock = { nowMs: 1_000_000 };
    const made = await make(limits, () => clock.nowMs);
    try {
      await work(made.ledger, clock);
    } finally {
      await made.close();
    }
  };
  describe(`the calls of ${name}`, () => {
    it("begin once, end once, and keep the first answer", () =>
      within(async (ledger) => {
        expect(await ledger.begin(id("a"), "d1")).toBe("new");
        expect(await ledger.begin(id("a"), "d2")).toEqual({ kind: "begun", digest: "d1" });
        await ledger.finish(id("a"), "first");
        await ledger.finish(id("a"), "second");
        const first = { ...ended("first"), digest: "d1" };
        expect(await ledger.begin(id("a"), "d1")).toEqual(first);
        expect(await ledger.begin(id("a"), "d2")).toEqual(first);
      }));

    it("are apart for each principal, whatever its id and keys hold", () =>
      within(async (ledger) => {
        expect(await ledger.begin(id("a", "x"), "d")).toBe("new");
        expect(await ledger.begin(id("a", "x|y"), "d")).toBe("new");
        expect(await ledger.begin(id("A", "x"), "d")).toBe("new");
        expect(await ledger.begin(id("%", "x"), "d")).toBe("new");
      }));

    it("end without an answer where none is given, and where it is too large for itself, for its principal or for all", () =>
      within(async (ledger) => {
        const answers = async (key: string, answer: string | null, principalId?: string) => {
          await ledger.begin(id(key, principalId), "d");
          await ledger.finish(id(key, principalId), answer);
          return ledger.begin(id(key, principalId), "d");
        };
        expect(await answers("a", null)).toEqual(ended(null));
        expect(await answers("b", "\u00e4".repeat(6))).toEqual(ended(null));
        expect(await answers("c", "\u00e4".repeat(5))).toEqual(ended("\u00e4".repeat(5)));
        await ledger.forget("dev_1");
        expect(await answers("a", "1234567890")).toEqual(ended("1234567890"));
        expect(await answers("b", "123456")).toEqual(ended(null));
        expect(await answers("c", "12345")).toEqual(ended("12345"));
        expect(await answers("a", "123456", "dev_2")).toEqual(ended(null));
        expect(await answers("b", "12345", "dev_2")).toEqual(ended("12345"));
      }));

    it("are refused where too many are kept, of one principal or of all, and the known ones still stand", () =>
      within(async (ledger) => {
        for (const key of ["a", "b", "c"]) await ledger.begin(id(key), "d");
        expect(await ledger.begin(id("d"), "d")).toBe("full");
        expect(await ledger.begin(id("a"), "d")).toEqual({ kind: "begun", digest: "d" });
        expect(await ledger.begin(id("a", "dev_2"), "d")).toBe("new");
        expect(await ledger.begin(id("a", "dev_3"), "d")).toBe("new");
        expect(await ledger.begin(id("a", "dev_4"), "d")).toBe("full");
        await ledger.forget("dev_1");
        expect(await ledger.begin(id("a", "dev_4"), "d")).toBe("new");
      }));

    it("are forgotten after their time, which makes room", () =>
      within(async (ledger, clock) => {
        await ledger.begin(id("a"), "d");
        await ledger.finish(id("a"), "1234567890");
        clock.nowMs += 600;
        for (const key of ["b", "c"]) await ledger.begin(id(key), "d");
        expect(await ledger.begin(id("d"), "d")).toBe("full");
        clock.nowMs += 399;
        expect(await ledger.begin(id("a"), "d")).toMatchObject({ kind: "ended" });
        clock.nowMs += 1;
        expect(await ledger.begin(id("a"), "d")).toBe("new");
        await ledger.finish(id("a"), "0987654321");
        expect(await ledger.begin(id("a"), "d")).toMatchObject({ answer: "0987654321" });
        expect(await ledger.begin(id("b"), "d")).toEqual({ kind: "begun", digest: "d" });
      }));

    it("of a principal that is forgotten are gone, those of others not; one that ends after that leaves nothing", () =>
      within(async (ledger) => {
        await ledger.begin(id("a"), "d");
        await ledger.begin(id("a", "dev_2"), "d");
        await ledger.forget("dev_1");
        await ledger.finish(id("a"), "late");
        expect(await ledger.begin(id("a", "dev_2"), "d")).toEqual({ kind: "begun", digest: "d" });
        expect(await ledger.begin(id("a"), "d")).toBe("new");
      }));
  });
}
