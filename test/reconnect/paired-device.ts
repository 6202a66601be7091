import { MemoryKeyStore } from "../../src/client/device-key.ts";
import { pairDevice } from "../../src/client/pairing.ts";
import type { HostClient } from "../helpers/running-host.ts";
import type { Device } from "./library-client.ts";

/** A new device of an operator, paired as people do it. `admin` lets it in. */
export async function pairedDevice(origin: string, admin: HostClient): Promise<Device> {
  const { id, url } = await admin.call("farhelm/pair/offer", { role: "operator" });
  const [secret = ""] = new URL(String(url)).hash.slice(1).split(".");
  const keyStore = new MemoryKeyStore();
  const way = { secret };
  const paired = pairDevice({ origin, post: fetch, keyStore, way, deviceName: "reconnects" });
  const { params } = await admin.until((sent) => {
    const pairing = Object(Object(sent.params)["pairing"]);
    const come = ["proved", "enrolled"].includes(pairing["phase"]);
    return sent.method === "farhelm/pair/changed" && pairing["id"] === id && come;
  });
  const { phase } = Object(Object(params)["pairing"]);
  if (phase === "proved") await admin.call("farhelm/pair/confirm", { id });
  return { origin, keyStore, token: await paired };
}
