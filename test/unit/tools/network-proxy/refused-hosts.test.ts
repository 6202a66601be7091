import { expect, test } from "vitest";
import { RefusedHosts } from "../../../../src/tools/network-proxy/refused-hosts.ts";
import { NetworkRefusal } from "../../../../src/tools/network-proxy/refusal.ts";

test("each refusal is told once, and of many the first", () => {
  const refused = new RefusedHosts();
  const declined = new NetworkRefusal("network_host_declined");
  refused.add(declined, { host: "a.test", port: 443 });
  refused.add(declined, { host: "a.test", port: 443 });
  refused.add(declined, undefined);
  expect(refused.take()).toEqual([`a.test:443: ${declined.message}`, declined.message]);
  for (let port = 1; port <= 20; port += 1) refused.add(declined, { host: "b.test", port });
  expect(refused.take().length).toBe(8);
  refused.add(declined, { host: "c.test", port: 1 });
  expect(refused.take()).toEqual([]);
});
