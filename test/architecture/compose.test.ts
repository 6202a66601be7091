import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { readHostSettings } from "../../src/config/host-settings.ts";
import { runCli } from "../unit/cli/fake-outside.ts";
import { root } from "./tree.ts";

const Service = z.strictObject({
  image: z.string().optional(),
  profiles: z.array(z.string()).optional(),
  build: z.strictObject({ context: z.string(), dockerfile_inline: z.string() }).optional(),
  command: z.array(z.string()).optional(),
  restart: z.literal("unless-stopped"),
  ports: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  configs: z.array(z.strictObject({ source: z.string(), target: z.string() })).optional(),
  volumes: z.array(z.string()).optional(),
  networks: z.array(z.string()).optional(),
  network_mode: z.string().optional(),
  init: z.boolean().optional(),
  stop_grace_period: z.string().optional(),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
  healthcheck: z.strictObject({
    test: z.array(z.string()).min(2),
    interval: z.string(),
    timeout: z.string(),
    retries: z.int(),
    start_period: z.string().optional(),
  }),
});

const Compose = z.strictObject({
  name: z.literal("farhelm"),
  services: z.strictObject({
    caddy: Service,
    host: Service,
    oidc: Service,
    postgres: Service,
  }),
  configs: z.record(z.string(), z.strictObject({ content: z.string() })),
  networks: z.record(z.string(), z.strictObject({})),
  volumes: z.record(z.string(), z.strictObject({})),
});

const text = readFileSync(join(root, "docker-compose.yml"), "utf8");
const compose = Compose.parse(parse(text));
const { caddy, host, oidc, postgres } = compose.services;
const services = Object.values(compose.services);

/** What the file is without any variable set. */
const filledIn = (value: string): string =>
  value.replaceAll(/\$\{\w+:-(?<fallback>[^}]*)\}/g, "$<fallback>");

const dex = z
  .looseObject({
    issuer: z.url(),
    storage: z.looseObject({ type: z.string() }),
    staticClients: z.array(z.looseObject({ id: z.string() })),
    staticPasswords: z.array(z.looseObject({ userID: z.string() })),
  })
  .parse(parse(filledIn(compose.configs["dex"]?.content ?? "")));

/** A text with its length before it, as Dex's subjects hold two of them. */
const prefixed = (part = ""): string => String.fromCodePoint(part.length) + part;

const namedVolumes = services.flatMap(({ volumes = [] }) =>
  volumes.map((volume) => volume.split(":")[0]),
);

describe("docker-compose.yml", () => {
  test("every reference resolves and nothing is declared in vain", () => {
    const sources = services.flatMap(({ configs = [] }) => configs.map(({ source }) => source));
    const networks = services.flatMap(({ networks: own = [] }) => own);
    expect(new Set(sources)).toEqual(new Set(Object.keys(compose.configs)));
    expect(new Set(networks)).toEqual(new Set(Object.keys(compose.networks)));
    expect(new Set(namedVolumes)).toEqual(new Set(Object.keys(compose.volumes)));
    expect(host.network_mode).toBe("service:caddy");
  });

  test("images are pinned, and every variable has a value when it is not set", () => {
    const images = services.flatMap(({ image }) => image ?? []);
    expect(images).toHaveLength(3);
    expect(images.filter((image) => !/:v?\d+\.\d+(?:\.\d+)?(?:-\w+)?$/.test(image))).toEqual([]);
    expect(text).not.toContain("latest");
    expect(text.match(/(?<!\$)\$\{(?!\w+:-)/g)).toBeNull();
  });

  test("only the proxy is reachable from outside, and the host listens on loopback", () => {
    expect(caddy.ports).toEqual(["80:80", "443:443"]);
    expect([host, oidc, postgres].flatMap(({ ports = [] }) => ports)).toEqual([]);
    expect(compose.configs["caddyfile"]?.content).toContain("reverse_proxy 127.0.0.1:7420");
    expect(compose.configs["caddyfile"]?.content).toContain("reverse_proxy oidc:5556");
  });

  test("the host's image is built from files that exist, by a user without rights", () => {
    const dockerfile = host.build?.dockerfile_inline ?? "";
    const copied = [...dockerfile.matchAll(/^COPY (?<files>.+) \S+$/gm)].flatMap(
      ({ groups }) => groups?.["files"]?.split(" ") ?? [],
    );
    expect(dockerfile).toMatch(/^FROM node:20-slim\n/);
    expect(copied).toEqual(expect.arrayContaining(["package-lock.json", "src", "scripts"]));
    expect(copied.filter((file) => !existsSync(join(root, file)))).toEqual([]);
    expect(dockerfile.indexOf("USER node")).toBeGreaterThan(dockerfile.lastIndexOf("RUN "));
    expect(dockerfile.trimEnd().split("\n").at(-1)).toBe('ENTRYPOINT ["node", "dist/main.js"]');
    expect(host.cap_drop).toEqual(["ALL"]);
  });

  test("both homes lie in a named volume", () => {
    const dockerfile = host.build?.dockerfile_inline ?? "";
    expect(dockerfile).toContain("CODEX_HOME=/homes/codex FARHELM_HOME=/homes/farhelm");
    expect(host.volumes).toContain("homes:/homes");
  });

  test("the host's command is one that farhelm takes", async () => {
    const command = (host.command ?? [])
      .map(filledIn)
      .map((word) => word.replace("/projects", "/"));
    const { code, err, options } = await runCli(command, { env: { HOME: "/" } });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(options).toMatchObject({
      listen: { host: "127.0.0.1", port: 7420 },
      publicOrigin: "https://farhelm.localhost",
      trustedProxies: ["127.0.0.1"],
      defaultCwd: "/",
      store: "local",
    });
  });

  test("Postgres is an option, and the host knows the way to it", async () => {
    const optional = services.filter(({ profiles }) => profiles !== undefined);
    expect(optional).toEqual([postgres]);
    const made = postgres.environment ?? {};
    const { DATABASE_URL: databaseUrl = "" } = host.environment ?? {};
    const url = new URL(databaseUrl.replace("${POSTGRES_PASSWORD:-}", "secret"));
    expect([url.username, url.password, url.pathname, url.hostname]).toEqual([
      made["POSTGRES_USER"],
      "secret",
      `/${made["POSTGRES_DB"]}`,
      "postgres",
    ]);
    expect(made["POSTGRES_PASSWORD"]).toBe("${POSTGRES_PASSWORD:-}");
    // The host lives in the proxy's network.
    expect(caddy.networks).toEqual(postgres.networks);
    const words = (host.command ?? []).map((word) =>
      word.replace("${FARHELM_STORE:-local}", "postgres"),
    );
    const command = words.map(filledIn).map((word) => word.replace("/projects", "/"));
    const { options } = await runCli(command, { env: { HOME: "/", DATABASE_URL: url.href } });
    expect(options).toMatchObject({ store: "postgres", databaseUrl: url.href });
  });

  test("the issuer's configuration is YAML with the address that browsers see", () => {
    expect(dex.issuer).toBe("https://farhelm.localhost/dex");
  });

  test("the host takes tokens of that issuer and user, by keys that reach it over loopback", () => {
    const home = mkdtempSync(join(tmpdir(), "farhelm-compose-"));
    const settings = filledIn(compose.configs["farhelm"]?.content ?? "");
    writeFileSync(join(home, "farhelm.toml"), settings);
    const [issuer, ...others] = readHostSettings(home).issuers;
    rmSync(home, { recursive: true });
    const [user, client] = [dex.staticPasswords[0], dex.staticClients[0]];
    const subject = Buffer.from(`\n${prefixed(user?.userID)}\x12${prefixed("local")}`);
    expect(others).toEqual([]);
    expect(issuer).toMatchObject({
      iss: dex.issuer,
      aud: client?.id,
      jwks: { url: "http://127.0.0.1:5557/dex/keys" },
      subjects: new Map([[subject.toString("base64url"), "admin"]]),
      remote: true,
    });
    expect(compose.configs["caddyfile"]?.content).toContain("http://127.0.0.1:5557 {");
    expect(host.configs).toEqual([{ source: "farhelm", target: "/homes/farhelm/farhelm.toml" }]);
  });
});
