/** `farhelm attach` as people run it, and the stock terminal client through it: over TLS, bound to a device's key. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { RunningHost } from "../../src/cli/host.ts";
import type { MockModel } from "../helpers/mock-model.ts";
import { startMockModel } from "../helpers/mock-model.ts";
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

const program = join(import.meta.dirname, "../../dist/main.js");
const binary = stockBinary("0.169.0");
const canRun = hasTmux() && binary !== undefined;
const testTimeoutMs = 180_000;

let model: MockModel;
let homes: Homes;
let host: RunningHost;
let terminal: Terminal | undefined;
const children = new Set<ChildProcess>();

beforeEach(async () => {
  model = await startMockModel();
  replyByPrompt(model);
  homes = temporaryHomes(
    configFor(model.baseUrl, 'approval_policy = "on-request"\nsandbox_mode = "read-only"'),
  );
  host = await startOn(homes, { lan: true });
});
afterEach(async () => {
  terminal?.close();
  terminal = undefined;
  for (const child of children) child.kill("SIGKILL");
  children.clear();
  await stopHosts();
  await model.close();
});

/** The command in a process of its own, with a home of its own, as on another machine. */
class Attached {
  said = "";
  readonly ended: Promise<unknown>;
  readonly #child: ChildProcess;

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const { root } = homes;
    this.#child = spawn(process.execPath, [program, "attach", ...args], {
      cwd: root,
      env: { PATH: process.env["PATH"], HOME: root, FARHELM_HOME: join(root, "laptop"), ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.add(this.#child);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => (this.said += text));
    }
    this.ended = once(this.#child, "exit").then(([code]) => code);
  }

  /** The path that it prints when it listens. */
  socketPath(): Promise<string> {
    const printed = /codex --remote unix:\/\/(\S+)/;
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const path = printed.exec(this.said)?.[1];
        if (path !== undefined) resolve(path);
      };
      for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.on("data", check);
      this.#child.once("close", () => reject(new Error(`it ended:\n${this.said}`)));
      check();
    });
  }

  stop(signal: "SIGINT" | "SIGTERM"): Promise<unknown> {
    this.#child.kill(signal);
    return this.ended;
  }
}

const firstLink = (): string => host.pairing?.url ?? "";

const clientOn = (socketPath: string): Promise<HostClient> =>
  HostClient.initialized(new WebSocket(`ws+unix://${socketPath}:/rpc`));

function launch(socketPath: string): Terminal {
  const clientHome = join(homes.root, "client");
  mkdirSync(clientHome, { recursive: true });
  // No question at the start, and nothing that moves.
  const config = `check_for_update_on_startup = false
sandbox_mode = "read-only"
approval_policy = "on-request"
[tui]
animations = false
[projects."${homes.cwd}"]
trust_level = "trusted"
`;
  writeFileSync(join(clientHome, "config.toml"), config);
  const env = { CODEX_HOME: clientHome, HOME: homes.root };
  terminal = new Terminal([binary ?? "", "--remote", `unix://${socketPath}`], {
    cwd: homes.cwd,
    env,
  });
  return terminal;
}

describe("farhelm attach", () => {
  test(
    "pairs, listens, ends on a signal without traces, and comes back with the address alone",
    async () => {
      const first = new Attached([firstLink(), "--name", "laptop"]);
      const path = await first.socketPath();
      expect(first.said).toContain("Paired, and attached to https://localhost:");
      const client = await clientOn(path);
      const { data } = await client.call("farhelm/devices/list");
      expect(data).toMatchObject([{ name: "laptop", kind: "device" }]);
      expect(await first.stop("SIGTERM")).toBe(0);
      expect(existsSync(path)).toBe(false);
      expect(await client.closed).toBe(1006);

      const second = new Attached([host.url]);
      expect(await second.socketPath()).toBe(path);
      expect(second.said.split("\n")[0]).toMatch(/^Attached to https:\/\/localhost:\d+\. /);
      expect(await second.stop("SIGINT")).toBe(0);
    },
    testTimeoutMs,
  );

  test(
    "says that its access was revoked, and ends with 1",
    async () => {
      const attached = new Attached([firstLink()]);
      const client = await clientOn(await attached.socketPath());
      const admin = await HostClient.connect(homes);
      const { data } = await admin.call("farhelm/devices/list");
      await admin.call("farhelm/devices/revoke", { id: Object(data)[0].id });
      expect(await client.closed).toBe(4001);
      expect(await attached.ended).toBe(1);
      expect(attached.said).toContain(
        "farhelm: The access of this device was revoked. Run `npx farhelm pair` on the host and pair this device again. (device_revoked)",
      );
    },
    testTimeoutMs,
  );

  test(
    "trusts the machine's authorities where the link names none, and nobody else, whatever the environment says",
    async () => {
      const withoutAuthority = firstLink().split(".").slice(0, 2).join(".");
      const careless = new Attached([withoutAuthority], { NODE_TLS_REJECT_UNAUTHORIZED: "0" });
      expect(await careless.ended).toBe(1);
      expect(careless.said).toContain("(certificate_refused)");
      const authority = join(homes.farhelmHome, "tls/ca.crt");
      const attached = new Attached([withoutAuthority], { NODE_EXTRA_CA_CERTS: authority });
      await clientOn(await attached.socketPath());
      expect(await attached.stop("SIGTERM")).toBe(0);
    },
    testTimeoutMs,
  );

  test("is refused without a key that the host knows", async () => {
    const attached = new Attached([host.url]);
    expect(await attached.ended).toBe(1);
    expect(attached.said).toContain("(not_attached)");
  });
});

describe.skipIf(!canRun)("needs the stock client: through farhelm attach, over TLS, it", () => {
  test(
    "asks, approves, patches and quits, as the device that was paired",
    async () => {
      const attached = new Attached([firstLink(), "--name", "laptop"]);
      const client = launch(await attached.socketPath());
      await client.shows("›");
      await client.enter("hello there");
      await client.shows("ANSWER: hello there");
      await client.enter("run: echo by-the-agent");
      await client.shows("Would you like to run");
      client.key("y");
      await client.shows("TOOL-DONE");
      await client.enter("patch: new.txt");
      await client.shows("Would you like to make");
      client.key("y");
      await client.shows("TOOL-DONE", 2);
      await client.enter("/quit");
      await client.shows("EXIT 0");
      expect(readFileSync(join(homes.cwd, "new.txt"), "utf8")).toBe("a line of the patch\n");
      const admin = await HostClient.connect(homes);
      const { data } = await admin.call("farhelm/devices/list");
      expect(data).toMatchObject([{ name: "laptop", kind: "device", role: "admin" }]);
      expect(await attached.stop("SIGINT")).toBe(0);
    },
    testTimeoutMs,
  );
});
