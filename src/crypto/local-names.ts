/** The names and addresses under which other machines on the same networks reach this host. */
import { hostname, networkInterfaces } from "node:os";
import type { ServerNames } from "./dev-ca.ts";

export function localNames(): ServerNames {
  const name = hostname().toLowerCase();
  const [label = ""] = name.split(".");
  // An all-digit name, as containers may have, reads as an address in URLs.
  const dnsNames = [name, `${label}.local`].filter(
    (dnsName) => /^[a-z0-9.-]+$/.test(dnsName) && !/^[0-9.]+$/.test(dnsName),
  );
  const addresses = Object.values(networkInterfaces()).flatMap((interfaces) =>
    (interfaces ?? []).filter(({ internal }) => !internal).map(({ address }) => address),
  );
  return { dnsNames: [...new Set(dnsNames)], addresses: [...new Set(addresses)] };
}
