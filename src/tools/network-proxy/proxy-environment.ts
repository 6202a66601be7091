/** The variables by which programs find their proxy. */
import { isIP } from "node:net";
import type { NetworkRules } from "../../permissions/network-rules.ts";

const names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/** The command's own servers are reached past the proxy, unless its rules let something of the machine's loopback through. */
export function proxyEnvironment(
  port: number,
  { allowed, allowsLocal }: NetworkRules,
): Readonly<Record<string, string>> {
  const url = `http://127.0.0.1:${port}`;
  const isOpen = allowsLocal || allowed.some((host) => host === "localhost" || isIP(host) !== 0);
  const past = isOpen ? "" : "localhost,127.0.0.1,::1";
  return {
    ...Object.fromEntries(
      names.flatMap((name) => [
        [name, url],
        [name.toLowerCase(), url],
      ]),
    ),
    NO_PROXY: past,
    no_proxy: past,
    // programs of Node look at the others only then
    NODE_USE_ENV_PROXY: "1",
    CODEX_NETWORK_PROXY_ACTIVE: "1",
  };
}
