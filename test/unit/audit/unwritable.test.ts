import { afterEach, expect, test } from "vitest";
import { hostActor } from "../../../src/audit/port.ts";
import { Door, pair, refusalOf } from "../auth/door.ts";
import { HostClient, startOn, stopHosts, temporaryHomes } from "../../helpers/running-host.ts";
import { SmallDisk } from "../../helpers/small-disk.ts";
import { SoftDevice } from "../auth/soft-device.ts";

afterEach(stopHosts);

test("while the log cannot be written nobody is enrolled; access can be taken away", async () => {
  const door = new Door();
  const auth = await door.open();
  const phone = await pair(auth);
  door.audit.writable = false;
  expect(await refusalOf(pair(auth, { device: new SoftDevice() }))).toBe("audit_unwritable");
  expect(auth.devices.revoke(phone.clientId, hostActor)).toBe(true);
  expect(auth.devices.list()).toEqual([]);
  door.remove();
});

const disk = SmallDisk.make(24);

test.skipIf(disk === undefined)(
  "a host on a full disk stays up and refuses what admins do (needs root)",
  async () => {
    const small = disk ?? new SmallDisk();
    try {
      const homes = { ...temporaryHomes(""), farhelmHome: `${small.path}/farhelm` };
      const host = await startOn(homes);
      const admin = await HostClient.connect(homes);
      const guest = await HostClient.connectAs("viewer", host, admin);
      small.fill();
      const issue = (): Promise<unknown> =>
        admin.call("farhelm/token/issue", { name: "more", role: "admin", ttlMs: 60_000 });
      const refused = async (): Promise<string> =>
        issue().then(
          () => "issued",
          (error: unknown) => String(error),
        );
      await expect.poll(refused, { timeout: 60_000 }).toContain("audit log cannot be written");
      const { data } = await admin.call("farhelm/devices/list");
      const id = String(Object(Object(data)[0])["id"]);
      expect(await guest.call("thread/loaded/list")).toMatchObject({ data: [] });
      small.makeRoom();
      await expect.poll(refused, { timeout: 60_000 }).toBe("issued");
      expect(await admin.call("farhelm/devices/revoke", { id })).toMatchObject({ revoked: true });
    } finally {
      await stopHosts();
      small.remove();
    }
  },
  180_000,
);
