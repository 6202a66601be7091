/** The stock client, and tokens that a real OIDC issuer made. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { RunningHost } from "../../src/cli/host.ts";
import { issuerKey, signToken } from "../helpers/foreign-issuer.ts";
import { JwksServer, keysAnswer, stopJwksServers } from "../helpers/jwks-server.ts";
import { startMockModel, type MockModel } from "../helpers/mock-model.ts";
import { OidcIssuer, stopOidcIssuers } from "../helpers/oidc-issuer.ts";
import { replyByPrompt } from "../helpers/prompted-model.ts";
import {
  configFor,
  HostClient,
  startOn,
  stopHosts,
  temporaryHomes,
  type Homes,
} from "../helpers/running-host.ts";
import { stockBinary } from "../helpers/stock-binary.ts";
import { hasTmux, Terminal } from "../helpers/terminal.ts";

const binary = stockBinary("0.169.0");
const canRun = hasTmux() && binary !== undefined;

let model: MockModel | undefined;
let terminal: Terminal | undefined;

afterEach(async () => {
  terminal?.close();
  terminal = undefined;
  await stopHosts();
  await stopOidcIssuers();
  await stopJwksServers();
  await model?.close();
  model = undefined;
});

async function hostWith(toml: string): Promise<{ host: RunningHost; homes: Homes }> {
  model = await startMockModel();
  replyByPrompt(model);
  const homes = temporaryHomes(configFor(model.baseUrl));
  mkdirSync(homes.farhelmHome, { mode: 0o700 });
  writeFileSync(join(homes.farhelmHome, "farhelm.toml"), toml);
  return { host: await startOn(homes), homes };
}

/** The issuer as a host's owner writes it down, from what its discovery says. */
async function entryOf(issuer: OidcIssuer, more = ""): Promise<string> {
  const { issuer: iss, jwks_uri: url } = await issuer.discover();
  return `[[issuers]]
iss = "${iss}"
aud = "codex-app-server"
jwks_url = "${url}"
algorithms = ["RS256", "ES256", "EdDSA"]
types = ["at+jwt"]
claims = { subject = "agent_runtime_id", account = "account_id" }
refresh_seconds = 1
${more}
[issuers.accounts]
acct-1 = "operator"
`;
}

/** The claims of an AgentIdentity, without its key. */
const identity = {
  agent_runtime_id: "runtime-1",
  account_id: "acct-1",
  chatgpt_user_id: "user-1",
  plan_type: "team",
};
const options = { audience: "codex-app-server", claims: identity };

const connect = (host: RunningHost, token: string): Promise<HostClient> =>
  HostClient.initialized(
    new WebSocket(host.url.replace("http", "ws"), {
      headers: { authorization: `Bearer ${token}` },
    }),
  );

describe("a real OIDC issuer", () => {
  test.each(["RS256", "ES256", "EdDSA"] as const)(
    "its %s tokens let in; one after its keys rotated does at once, one before as long as its key is there",
    async (algorithm) => {
      const [first, second] = [issuerKey(algorithm), issuerKey(algorithm)];
      const issuer = await OidcIssuer.start(options, [first]);
      const { host } = await hostWith(await entryOf(issuer));
      const old = await issuer.token();
      const client = await connect(host, old);
      expect(await client.call("thread/start", {})).toHaveProperty("thread");
      issuer.use([second, first]);
      await expect
        .poll(async () => connect(host, await issuer.token()).then(() => "in", String), {
          timeout: 20_000,
          interval: 500,
        })
        .toBe("in");
      await connect(host, old);
      issuer.use([second]);
      expect(await client.closed).toBe(4002);
      await expect(connect(host, old)).rejects.toThrow("401");
      await connect(host, await issuer.token());
    },
    60_000,
  );

  test("a connection ends when its token does", async () => {
    const issuer = await OidcIssuer.start({ ...options, ttlSeconds: 3 }, [issuerKey("RS256")]);
    const { host } = await hostWith(await entryOf(issuer));
    const client = await connect(host, await issuer.token());
    expect(await client.closed).toBe(4002);
  }, 30_000);

  test("a client of it that nobody listed stays out", async () => {
    const claims = { ...identity, account_id: "acct-2" };
    const issuer = await OidcIssuer.start({ ...options, claims }, [issuerKey("RS256")]);
    const { host } = await hostWith(await entryOf(issuer));
    await expect(connect(host, await issuer.token())).rejects.toThrow("401");
  });
});

/** What the stock client shows when its one question, asked with this token, was answered. */
async function asked(host: RunningHost, homes: Homes, token: string): Promise<string> {
  const clientHome = join(homes.root, "client");
  mkdirSync(clientHome);
  const config = `check_for_update_on_startup = false
[tui]
animations = false
[projects."${homes.cwd}"]
trust_level = "trusted"
`;
  writeFileSync(join(clientHome, "config.toml"), config);
  const remote = host.url.replace(/^http:\/\/[^:]+/, "ws://127.0.0.1");
  terminal = new Terminal(
    [binary ?? "", "--remote", remote, "--remote-auth-token-env", "FARHELM_TEST_TOKEN"],
    {
      cwd: homes.cwd,
      env: { CODEX_HOME: clientHome, HOME: homes.root, FARHELM_TEST_TOKEN: token },
    },
  );
  await terminal.shows("›");
  await terminal.enter("hello there");
  await terminal.shows("ANSWER: hello there");
  const { screen } = terminal;
  await terminal.enter("/quit");
  await terminal.shows("EXIT 0");
  return screen;
}

// Needs tmux and the stock binary.
describe.skipIf(!canRun)("the stock client with --remote-auth-token-env", () => {
  test("comes in with an AgentIdentity JWT of an OIDC issuer that is configured", async () => {
    const issuer = await OidcIssuer.start(options, [issuerKey("RS256")]);
    const { host, homes } = await hostWith(await entryOf(issuer));
    expect(await asked(host, homes, await issuer.token())).toContain("ANSWER: hello there");
  }, 120_000);

  test("comes in with one of the stock form", async () => {
    const key = issuerKey("RS256");
    const server = await JwksServer.start(keysAnswer([key.jwk]));
    const iss = "https://chatgpt.com/codex-backend/agent-identity";
    const toml = `[[issuers]]\niss = "${iss}"\njwks_url = "${server.url}"\naccounts = { acct-1 = "operator" }\n`;
    const { host, homes } = await hostWith(toml);
    const iat = Math.floor(Date.now() / 1000);
    const claims = { iss, aud: "codex-app-server", ...identity, iat, exp: iat + 600 };
    expect(await asked(host, homes, signToken(key, claims))).toContain("ANSWER: hello there");
  }, 120_000);
});
