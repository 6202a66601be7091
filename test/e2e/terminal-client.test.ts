import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RunningHost } from "../../src/cli/host.ts";
import type { MockModel } from "../helpers/mock-model.ts";
import { startMockModel } from "../helpers/mock-model.ts";
import { replyByPrompt } from "../helpers/prompted-model.ts";
import type { Homes } from "../helpers/running-host.ts";
import {
  HostClient,
  configFor,
  startOn,
  stopHosts,
  temporaryHomes,
} from "../helpers/running-host.ts";
import { stockBinary } from "../helpers/stock-binary.ts";
import { Terminal, hasTmux } from "../helpers/terminal.ts";

const binary = stockBinary("0.169.0");
const canRun = hasTmux() && binary !== undefined;
const testTimeoutMs = 180_000;

let model: MockModel;
let homes: Homes;
let host: RunningHost;
/** What the client needs in its environment. */
let env: Record<string, string>;
let terminal: Terminal | undefined;
let admin: HostClient;

beforeEach(async () => {
  if (!canRun) return;
  model = await startMockModel();
  replyByPrompt(model);
  homes = temporaryHomes(
    configFor(model.baseUrl, 'approval_policy = "on-request"\nsandbox_mode = "read-only"'),
  );
  host = await startOn(homes);
  const clientHome = join(homes.root, "client");
  mkdirSync(clientHome);
  writeFileSync(join(clientHome, "config.toml"), clientConfig(homes.cwd));
  admin = await HostClient.connect(homes);
  const { token } = await admin.call("farhelm/token/issue", {
    name: "terminal",
    role: "admin",
    ttlMs: 600_000,
  });
  env = { CODEX_HOME: clientHome, HOME: homes.root, FARHELM_TEST_TOKEN: String(token) };
});

afterEach(async () => {
  terminal?.close();
  terminal = undefined;
  await stopHosts();
  await model?.close();
});

/** No question at the start, and nothing that moves. */
const clientConfig = (cwd: string): string => `check_for_update_on_startup = false
sandbox_mode = "read-only"
approval_policy = "on-request"
[tui]
animations = false
[projects."${cwd}"]
trust_level = "trusted"
`;

type Door = "TCP with a token" | "control.sock";

const remote = (door: Door): readonly string[] =>
  door === "control.sock"
    ? ["--remote", `unix://${join(homes.farhelmHome, "control.sock")}`]
    : [
        "--remote",
        host.url.replace(/^http:\/\/[^:]+/, "ws://127.0.0.1"),
        "--remote-auth-token-env",
        "FARHELM_TEST_TOKEN",
      ];

function launch(door: Door, ...args: readonly string[]): Terminal {
  terminal?.close();
  terminal = new Terminal([binary ?? "", ...args, ...remote(door)], { cwd: homes.cwd, env });
  return terminal;
}

/** Runs the stock client without a terminal. */
const run = (door: Door, ...args: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile(
      binary ?? "",
      [...args, ...remote(door)],
      { cwd: homes.cwd, env: { ...process.env, ...env }, timeout: 60_000 },
      (error, out, err) => (error ? reject(new Error(`${error.message}\n${err}`)) : resolve(out)),
    );
  });

async function quit(client: Terminal): Promise<void> {
  await client.enter("/quit");
  await client.shows("EXIT 0");
}

const threads = async (archived = false): Promise<readonly Record<string, unknown>[]> => {
  const { data } = await admin.call("thread/list", { archived });
  return Array.isArray(data) ? data : [];
};

describe.skipIf(!canRun).each(["TCP with a token", "control.sock"] as const)(
  "the stock terminal client over %s",
  (door) => {
    test(
      "asks, approves, interrupts, quits and takes its thread up again",
      async () => {
        const client = launch(door);
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
        await client.enter("slow");
        await client.shows("word3");
        client.key("Escape");
        await client.shows("interrupted");
        await quit(client);
        const again = launch(door, "resume", "--last");
        await again.shows("ANSWER: hello there");
        await again.enter("and again");
        await again.shows("ANSWER: and again");
        await quit(again);
        expect(readFileSync(join(homes.cwd, "new.txt"), "utf8")).toBe("a line of the patch\n");
        expect(await threads()).toMatchObject([{ preview: "hello there" }]);
      },
      testTimeoutMs,
    );

    test(
      "chooses a model, steers, runs a command by hand, shortens the conversation, names the thread",
      async () => {
        const client = launch(door);
        await client.shows("›");
        await client.enter("hello there");
        await client.shows("ANSWER: hello there");
        await client.enter("/model");
        await client.shows("Select Model and Effort");
        client.key("s");
        await client.shows("mock-model medium");
        await client.enter("/status");
        await client.shows("mock-model (reasoning medium)");
        await client.enter("slow");
        await client.shows("word3");
        await client.enter("typed meanwhile");
        await client.shows("ANSWER: typed meanwhile");
        await client.enter("!echo by-$((20 + 22))");
        await client.shows("by-42");
        await client.enter("/compact");
        await client.shows("ompacted");
        await client.enter("/rename a thread by name");
        await client.shows("a thread by name");
        await client.enter("what now");
        await client.shows("ANSWER: what now");
        expect(model.requests.at(-1)?.body["reasoning"]).toMatchObject({ effort: "medium" });
        await client.enter("/new");
        await client.enter("from the start");
        await client.shows("ANSWER: from the start");
        await quit(client);
        expect((await threads()).map(({ name }) => name)).toContain("a thread by name");
      },
      testTimeoutMs,
    );

    test(
      "archives, takes back and leaves a message without a terminal",
      async () => {
        const client = launch(door);
        await client.shows("›");
        await client.enter("hello there");
        await client.shows("ANSWER: hello there");
        await quit(client);
        const [thread] = await threads();
        const id = String(thread?.["id"]);
        await run(door, "archive", id);
        expect((await threads(true)).map((row) => row["id"])).toEqual([id]);
        await run(door, "unarchive", id);
        expect((await threads()).map((row) => row["id"])).toEqual([id]);
        await admin.call("thread/resume", { threadId: id });
        await run(door, "queue", "--thread", id, "--message", "left behind", "--resume");
        await admin.until(
          ({ method, params }) =>
            method === "turn/completed" && JSON.stringify(params).includes("ANSWER: left behind"),
        );
      },
      testTimeoutMs,
    );

    test(
      "shows what changed in the repository; forks, picks and deletes threads",
      async () => {
        execFileSync("git", ["init", "--quiet"], { cwd: homes.cwd });
        writeFileSync(join(homes.cwd, "untracked.txt"), "a line that is new\n");
        const client = launch(door);
        await client.shows("›");
        await client.enter("hello there");
        await client.shows("ANSWER: hello there");
        await client.enter("/diff");
        await client.shows("+a line that is new");
        client.key("q");
        await client.enter("/fork");
        await client.enter("on another way");
        await client.shows("ANSWER: on another way");
        await quit(client);
        const [fork, origin] = (await threads()).toSorted((one) => (one["forkedFromId"] ? -1 : 1));
        expect(fork).toMatchObject({ forkedFromId: origin?.["id"] });
        const byId = launch(door, "resume", String(origin?.["id"]));
        await byId.shows("ANSWER: hello there");
        await quit(byId);
        const picker = launch(door, "resume");
        await picker.shows("A title", 2);
        picker.key("Enter");
        await picker.shows("ANSWER: hello there");
        await quit(picker);
        const again = launch(door, "fork", String(origin?.["id"]), "a third way");
        await again.shows("ANSWER: a third way");
        await quit(again);
        const overview = launch(door, "agents");
        await overview.shows("A title");
        await run(door, "delete", "--force", String(fork?.["id"]));
        expect((await threads()).map(({ id }) => id)).not.toContain(fork?.["id"]);
        expect((await threads()).length).toBe(2);
      },
      testTimeoutMs,
    );
  },
);
