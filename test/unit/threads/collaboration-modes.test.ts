import { describe, expect, it } from "vitest";
import { noChoices, tierShown } from "../../../src/protocol/turn-choices.ts";
import { modeNews, withChoices } from "../../../src/threads/collaboration-modes.ts";

const message = (role: string, text: string) => ({
  type: "message",
  role,
  content: [{ type: "input_text", text }],
});

describe("what a person chooses", () => {
  it("stays but for what is chosen anew", () => {
    const first = withChoices(noChoices, { serviceTier: "flex", disabledPluginIds: ["a"] });
    expect(first).toEqual({ ...noChoices, serviceTier: "flex", disabledPluginIds: ["a"] });
    expect(withChoices(first, { personality: "none" })).toEqual({ ...first, personality: "none" });
  });

  it("of a mode without words gets those of this host, and other words for each mode", () => {
    const plan = withChoices(noChoices, { mode: "plan", modeInstructions: null });
    const again = withChoices(plan, { mode: "default", modeInstructions: null });
    expect([plan.mode, again.mode]).toEqual(["plan", "default"]);
    expect(plan.modeInstructions).toContain("Change no file");
    expect(again.modeInstructions).toContain("holds no longer");
    expect(withChoices(again, { mode: "plan", modeInstructions: "mine" })).toEqual({
      ...noChoices,
      mode: "plan",
      modeInstructions: "mine",
    });
  });

  it("shows of the tiers those that every endpoint knows", () => {
    const shown = ["flex", "default", "priority", "", null].map((serviceTier) =>
      tierShown({ ...noChoices, serviceTier }),
    );
    expect([...shown, tierShown(undefined)]).toEqual(["flex", "default", null, null, null, null]);
  });
});

describe("what the model is told of a mode", () => {
  const plan = { ...noChoices, mode: "plan" as const, modeInstructions: "plan it" };
  const said = message("developer", "<collaboration_mode>plan it</collaboration_mode>");

  it("is nothing where nobody chose one", () => {
    expect([modeNews(undefined), modeNews(noChoices)]).toEqual([[], []]);
  });

  it("is said once, again when it is another, and not for what a person wrote", () => {
    expect(modeNews(plan)).toEqual([said]);
    expect(modeNews(plan, [said, message("user", "go")])).toEqual([]);
    const other = message("developer", "<collaboration_mode>do it</collaboration_mode>");
    expect(modeNews(plan, [said, other])).toEqual([said]);
    expect(
      modeNews(plan, [message("user", "<collaboration_mode>plan it</collaboration_mode>")]),
    ).toEqual([said]);
  });
});
