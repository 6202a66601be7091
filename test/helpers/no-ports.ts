import type { DispatcherOptions } from "../../src/dispatch/dispatcher.ts";

type Ports = DispatcherOptions["ports"];

/** What a handler may reach, as far as a test gives it: a handler that reaches for more fails. */
export function portsWith(given: Partial<Ports> = {}): Ports {
  const ports: Ports = Object.create(null);
  return Object.assign(ports, {
    host: {
      version: "0.0.0",
      codexHome: "/home/codex",
      farhelmHome: "/home/farhelm",
      defaultCwd: "/work",
      pageOrigin: "http://localhost:7420",
      pairingUrl: (secret: string) => `http://localhost:7420/pair#${secret}`,
      serverName: "box",
      installationId: "inst",
      pingIntervalMs: 20_000,
      policy: { operatorCommands: "confined", operatorFiles: true },
    },
    ...given,
  });
}
