/** The stock names for pairing and clients, against a whole host. */
import { afterEach, expect, test } from "vitest";
import { Bench } from "../attack/bench.ts";

let bench: Bench | undefined;
afterEach(() => bench?.end());

test("a pairing is started, claimed, listed and revoked under the stock names", async () => {
  bench = await Bench.start();
  const admin = await bench.admin();
  const status = await admin.call("remoteControl/status/read", {});
  expect(status).toMatchObject({ status: "disabled", environmentId: null });
  const environmentId = String(status["installationId"]);

  const started = await admin.call("remoteControl/pairing/start", { manualCode: true });
  expect(started).toEqual({
    pairingCode: expect.stringMatching(/\/pair#/),
    manualPairingCode: expect.stringMatching(/^[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}$/),
    environmentId,
    expiresAt: expect.any(Number),
  });
  const { pairingCode, manualPairingCode } = started;
  for (const code of [{ pairingCode }, { manualPairingCode }]) {
    expect(await admin.call("remoteControl/pairing/status", code)).toEqual({ claimed: false });
  }
  for (const code of [{}, { pairingCode, manualPairingCode }, { pairingCode: "other" }]) {
    await expect(admin.call("remoteControl/pairing/status", code)).rejects.toThrow("-32600");
  }

  const [first, second] = [await bench.pair("admin"), await bench.pair("viewer")];
  const page = await admin.call("remoteControl/client/list", { environmentId, limit: 1 });
  expect(page).toMatchObject({ data: [{ clientId: first.clientId }], nextCursor: first.clientId });
  const next = { environmentId, cursor: page["nextCursor"] };
  expect(await admin.call("remoteControl/client/list", next)).toMatchObject({
    data: [{ clientId: second.clientId, displayName: "viewer" }],
    nextCursor: null,
  });
  const { clientId } = second;
  const socket = await bench.connect(second);
  expect(await admin.call("remoteControl/client/revoke", { environmentId, clientId })).toEqual({});
  expect(await socket.closed).toBe(4001);
  for (const wrong of [
    { environmentId: "other", clientId },
    { environmentId, clientId: "x" },
  ]) {
    await expect(admin.call("remoteControl/client/revoke", wrong)).rejects.toThrow("there is no");
  }
});
