import { describe, expect, test } from "vitest";
import { AllowedOrigins } from "../../../src/transport/allowed-origins.ts";

const settled = (
  options: Partial<ConstructorParameters<typeof AllowedOrigins>[0]>,
  port = 7420,
): AllowedOrigins => {
  const origins = new AllowedOrigins({ tls: false, allowedHosts: [], ...options });
  origins.settle(port);
  return origins;
};

test("nothing is allowed before the port is known", () => {
  const origins = new AllowedOrigins({ tls: false, allowedHosts: ["box"] });
  expect(origins.allows("http://localhost:7420")).toBe(false);
  expect(origins.ofHost("localhost:7420")).toBeUndefined();
});

describe("a Host header stands for", () => {
  test.each([
    [{ allowedHosts: ["box.lan"] }, "box.lan:7420", "http://box.lan:7420"],
    [{ allowedHosts: ["box.lan"] }, "box.lan", "https://box.lan"],
    [{ allowedHosts: ["box.lan"] }, "box.lan:443", "https://box.lan"],
    [{ allowedHosts: ["box.lan:7420"] }, "box.lan:7420", "http://box.lan:7420"],
    [{ allowedHosts: ["box.lan:7420"] }, "box.lan", undefined],
    [{ allowedHosts: ["box.lan:8443"] }, "box.lan:8443", "https://box.lan:8443"],
    [{ allowedHosts: ["http://box.lan:8080"] }, "box.lan:8080", "http://box.lan:8080"],
    [{ allowedHosts: ["192.168.1.5"], tls: true }, "192.168.1.5:7420", "https://192.168.1.5:7420"],
    [{ allowedHosts: ["fe80::1"], tls: true }, "[fe80::1]:7420", "https://[fe80::1]:7420"],
    [{ allowedHosts: ["[fe80::1]:7420"] }, "[fe80::1]:7420", "http://[fe80::1]:7420"],
    [{ publicOrigin: "https://a.example" }, "a.example", "https://a.example"],
    [{ publicOrigin: "https://a.example" }, "a.example:7420", undefined],
  ])("%j: %s is %s", (options, host, origin) => {
    expect(settled(options).ofHost(host)).toBe(origin);
  });
});

test("on a scheme's default port Host and Origin come without it", () => {
  const origins = settled({ tls: true }, 443);
  expect(origins.canonical).toBe("https://localhost");
  expect(origins.ofHost("localhost")).toBe("https://localhost");
  expect(origins.ofHost("localhost:443")).toBe("https://localhost");
  expect(origins.allows("https://localhost")).toBe(true);
  expect(origins.allows("https://localhost:443")).toBe(false);
});

test.each(["https://a.example/", "a.example", "ftp://a.example", "https://u@a.example", "null"])(
  "the public origin %j is refused with an example",
  (publicOrigin) => {
    expect(() => new AllowedOrigins({ tls: false, allowedHosts: [], publicOrigin })).toThrow(
      `--public-origin ${JSON.stringify(publicOrigin)} is not an origin; write scheme, name and, if needed, port, for example --public-origin https://box.example.com`,
    );
  },
);
