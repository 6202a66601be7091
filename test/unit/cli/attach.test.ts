import { describe, expect, test } from "vitest";
import { Unreachable } from "../../../src/client/auth-calls.ts";
import { Refused } from "../../../src/client/refused.ts";
import { runCli } from "./fake-outside.ts";

const env = { HOME: "/home/me", FARHELM_HOME: "/home/me/.farhelm" };
const refused = new Refused(401, { code: "device_revoked", message: "No.", nextStep: "Pair." });

describe("farhelm attach", () => {
  test("says how the stock client comes in, and ends its socket when it is asked to stop", async () => {
    const { code, out, err, closed, attachOptions } = await runCli(
      ["attach", "https://devbox:7420"],
      { env },
    );
    expect({ code, err, closed }).toEqual({ code: 0, err: "", closed: true });
    expect(out).toBe(
      [
        "Attached to https://devbox:7420. Until this ends, the stock client comes in with",
        "",
        "  codex --remote unix:///home/attach/devbox.sock",
        "",
        "",
      ].join("\n"),
    );
    expect(attachOptions).toMatchObject({
      address: "https://devbox:7420",
      farhelmHome: "/home/me/.farhelm",
      socketPath: undefined,
      deviceName: expect.stringMatching(/^attach on \S/),
    });
  });

  test("takes a socket and a name, and says what will do next time", async () => {
    const { out, attachOptions } = await runCli(
      ["attach", "https://devbox:7420/pair#x", "--socket", "my/a.sock", "--name", "laptop"],
      { env, startedIn: "/started", attachment: { isNew: true } },
    );
    expect(attachOptions).toMatchObject({ socketPath: "/started/my/a.sock", deviceName: "laptop" });
    expect(out).toContain("Paired, and attached to https://devbox:7420.");
    expect(out).toContain("npx farhelm attach https://devbox:7420\n");
  });

  test("shows the words and the deadline while an admin must confirm", async () => {
    const wait = { words: ["acorn", "zipper"], untilMs: Date.now() + 60_000 };
    const { out } = await runCli(["attach", "https://devbox:7420"], { env, attachWait: wait });
    expect(out).toContain("\n  acorn zipper\n");
    expect(out).toMatch(/Waiting until \d/);
  });

  test("says why a client was not let through, and goes on", async () => {
    const { code, err } = await runCli(["attach", "https://devbox:7420"], {
      env,
      attachRefusals: [refused, new Unreachable("The host cannot be reached.")],
    });
    expect(code).toBe(0);
    expect(err.split("\n")).toEqual([
      "A client was not let through: No. Pair. (device_revoked)",
      "A client was not let through: The host cannot be reached. Check the address, and whether the host runs.",
      "",
    ]);
  });

  test("ends with the host's reason and exit code 1 when the host lets it in no more", async () => {
    const { code, err, closed } = await runCli(["attach", "https://devbox:7420"], {
      env,
      attachment: { ended: Promise.resolve(refused) },
    });
    expect({ code, err, closed }).toEqual({
      code: 1,
      err: "farhelm: No. Pair. (device_revoked)\n",
      closed: true,
    });
  });

  test.each([
    [refused, "farhelm: No. Pair. (device_revoked)\n"],
    [
      new Unreachable("The host cannot be reached.", { cause: new Error("connect ECONNREFUSED") }),
      "farhelm: The host cannot be reached. (connect ECONNREFUSED) Check the address, and whether the host runs.\n",
    ],
    [
      new Error("the path is too long: choose another"),
      "farhelm: the path is too long: choose another\n",
    ],
  ])("that cannot begin says why: %s", async (attachError, err) => {
    expect(await runCli(["attach", "https://devbox:7420"], { env, attachError })).toMatchObject({
      code: 1,
      err,
      out: "",
    });
  });

  test("prints nothing of a foreign text that a terminal would obey", async () => {
    const attachError = new Refused(401, {
      code: "x",
      message: "a\u001B[2Jb\u202E",
      nextStep: "c",
    });
    const { err } = await runCli(["attach", "https://devbox:7420"], { env, attachError });
    expect([err.includes("\u001B"), err.includes("\u202E")]).toEqual([false, false]);
  });

  test("needs an address", async () => {
    expect(await runCli(["attach"], { env })).toMatchObject({ code: 1 });
  });
});
