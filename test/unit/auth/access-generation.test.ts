import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hostActor } from "../../../src/audit/port.ts";
import type { Auth } from "../../../src/auth/auth.ts";
import { ConnectStart } from "../../../src/protocol/auth-api.ts";
import { connectChallenge, Door, facts, pair, refusalOf } from "./door.ts";

let door: Door;
let auth: Auth;
const told: object[] = [];
beforeEach(async () => {
  door = new Door();
  told.length = 0;
  auth = await door.open({ onGeneration: (stated) => void told.push(stated) });
});
afterEach(() => door.remove());

describe("the access generation", () => {
  it("counts each access that is taken away, stands in every challenge, and is told", async () => {
    const { clientId, device, token } = await pair(auth);
    const { id } = await auth.devices.issueHeadless("ci", "viewer", 60_000, hostActor);
    expect(await connectChallenge(auth, token)).toMatchObject({
      accessGeneration: 0,
      knownGeneration: null,
    });
    auth.devices.revoke(id, hostActor);
    auth.devices.revoke(id, hostActor);
    auth.devices.revoke("tok_unknown", hostActor);
    expect(await connectChallenge(auth, token)).toMatchObject({ accessGeneration: 1 });
    // The same key again: its earlier access ends.
    const again = await pair(auth, { device });
    expect(await connectChallenge(auth, again.token)).toMatchObject({ accessGeneration: 2 });
    expect(auth.devices.standing(clientId)).toBe("revoked");
    expect(auth.devices.revokeAll(hostActor)).toEqual([again.clientId]);
    expect(auth.devices.revokeAll(hostActor)).toEqual([]);
    await expect
      .poll(() => told)
      .toMatchObject([{ accessGeneration: 1 }, { accessGeneration: 2 }, { accessGeneration: 3 }]);
  });

  it.each([
    ["nothing", undefined],
    ["text", "abc"],
    ["another token of this host", "the device's"],
    ["a statement of a lower number", "lower"],
  ])("above the host's own is not believed with %s for a proof", async (_what, statement) => {
    const paired = await pair(auth);
    const { id } = await auth.devices.issueHeadless("ci", "viewer", 60_000, hostActor);
    auth.devices.revoke(id, hostActor);
    await expect.poll(() => told).toHaveLength(1);
    const [lower] = told;
    const generationStatement =
      statement === "lower"
        ? String(Object(lower)["generationStatement"])
        : statement?.replace("the device's", paired.token);
    const body = { knownGeneration: 9, generationStatement };
    const start = auth.api.call(ConnectStart.path, body, facts, paired.token);
    expect(await refusalOf(start)).toBe("generation_unproved");
    expect(auth.devices.restored()).toBeUndefined();
  });

  it("that is the host's own or less needs no proof, and locks nothing", async () => {
    const { token } = await pair(auth);
    const start = await auth.api.call(ConnectStart.path, { knownGeneration: 0 }, facts, token);
    expect(ConnectStart.response.parse(start).challenge.knownGeneration).toBe(0);
    expect(auth.devices.restored()).toBeUndefined();
  });
});
