/** Over the protocol nobody reads the host's keys or logins, and odd JSON leads nobody astray. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createConfigReader } from "../../src/config/config-reader.ts";
import { Dispatcher } from "../../src/dispatch/dispatcher.ts";
import { EventHub } from "../../src/events/event-hub.ts";
import { methods } from "../../src/features/index.ts";
import { createHostFiles } from "../../src/files/host-files.ts";
import type { Principal } from "../../src/protocol/principal.ts";
import { SessionRegistry } from "../../src/session/sessions.ts";
import { MemoryCallLedger } from "../../src/store/memory-call-ledger.ts";
import { MemoryAudit } from "../helpers/memory-audit.ts";
import { MemorySocket, tick } from "../helpers/memory-socket.ts";
import { fixedAccounts } from "../helpers/fixed-accounts.ts";
import { portsWith } from "../helpers/no-ports.ts";
import type { Sent } from "../helpers/text-frames.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "farhelm-protocol-"));
  for (const folder of ["codex", "farhelm/keys", "farhelm-notes", "desk"]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  writeFileSync(join(root, "codex/auth.json"), "canary-login");
  writeFileSync(join(root, "codex/config.toml"), "");
  writeFileSync(join(root, "farhelm/keys/issuer.pem"), "canary-key");
  writeFileSync(join(root, "farhelm-notes/note"), "plain");
  writeFileSync(join(root, "desk/file"), "plain");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const admin: Principal = {
  kind: "local",
  id: "local",
  name: "Local",
  role: "admin",
  address: "control.sock",
};

/** An initialised connection of an admin. */
function connection() {
  const hub = new EventHub();
  const { host } = portsWith();
  const dispatcher = new Dispatcher(methods, {
    ports: portsWith({
      ...createHostFiles({
        protectedPaths: [join(root, "farhelm"), join(root, "codex/auth.json")],
        codexHome: join(root, "codex"),
        userHome: join(root, "home"),
        journal: { begin: () => () => undefined },
      }),
      accounts: fixedAccounts(),
      config: createConfigReader({
        codexHome: join(root, "codex"),
        sessionFlags: [],
        systemFolder: join(root, "none"),
      }),
      host: {
        ...host,
        codexHome: join(root, "codex"),
        farhelmHome: join(root, "farhelm"),
        defaultCwd: join(root, "desk"),
      },
    }),
    audit: new MemoryAudit(),
    ledger: new MemoryCallLedger(),
    holds: () => true,
    log: { error: () => {} },
    checkResults: true,
  });
  const socket = new MemorySocket();
  const sessions = new SessionRegistry({
    dispatcher,
    hub,
    threads: Object.create(null),
    budget: { softBytes: 1e9, hardBytes: 2e9, answerBytes: 2e9 },
    audit: new MemoryAudit(),
    heartbeatMs: 20_000,
  });
  const session = sessions.open(admin, socket);
  const answered = async (id: number): Promise<Sent> => {
    const deadlineMs = Date.now() + 5_000;
    for (;;) {
      const found = socket.sent.find((sent) => sent.id === id);
      if (found) return found;
      if (Date.now() > deadlineMs) throw new Error(`no answer to ${id}`);
      await tick();
    }
  };
  let ids = 0;
  const callText = (method: string, paramsJson: string): Promise<Sent> => {
    const id = ++ids;
    session.received(`{"id":${id},"method":"${method}","params":${paramsJson}}`);
    return answered(id);
  };
  return {
    socket,
    callText,
    call: (method: string, params: object): Promise<Sent> =>
      callText(method, JSON.stringify(params)),
  };
}

async function initialized() {
  const made = connection();
  await made.call("initialize", {
    clientInfo: { name: "t", version: "1" },
    capabilities: { experimentalApi: true },
  });
  return made;
}

describe("reading files over the protocol", () => {
  it("gives what is not the host's own", async () => {
    const { call } = await initialized();
    for (const path of ["desk/file", "farhelm-notes/note"]) {
      const { result } = await call("fs/readFile", { path: join(root, path) });
      expect(result).toEqual({ dataBase64: Buffer.from("plain").toString("base64") });
    }
  });

  it("gives neither keys nor logins, by whatever path, to no role", async () => {
    symlinkSync(join(root, "farhelm"), join(root, "desk/link"));
    symlinkSync(join(root, "codex/auth.json"), join(root, "desk/login"));
    symlinkSync("login", join(root, "desk/login-again"));
    symlinkSync("/", join(root, "desk/slash"));
    const { call, socket } = await initialized();
    const files = [
      join(root, "farhelm/keys/issuer.pem"),
      join(root, "codex/auth.json"),
      `${root}/desk/../farhelm/keys/issuer.pem`,
      `${root}//farhelm/./keys//issuer.pem`,
      join(root, "desk/link/keys/issuer.pem"),
      join(root, "desk/login"),
      join(root, "desk/login-again"),
      `${join(root, "desk/slash")}${root}/codex/auth.json`,
      `/proc/self/root${root}/codex/auth.json`,
      "/proc/self/environ",
      `/proc/${process.pid}/environ`,
      "/proc/thread-self/environ",
    ];
    for (const path of files) {
      const { error, result } = await call("fs/readFile", { path });
      expect([path, result, error?.code]).toEqual([path, undefined, -32600]);
      expect(error?.message).toContain("out of reach of the protocol");
    }
    for (const path of [join(root, "farhelm"), join(root, "desk/link/keys"), "/proc/self/fd"]) {
      const { error } = await call("fs/readDirectory", { path });
      expect(error?.message).toContain("out of reach of the protocol");
    }
    expect(socket.bytes.includes(Buffer.from("canary").toString("base64").slice(0, 6))).toBe(false);
  });

  it("does not wait for a pipe that nobody writes to", async () => {
    const path = join(root, "desk/pipe");
    execFileSync("mkfifo", [path]);
    const { call } = await initialized();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => call("fs/readFile", { path })),
    );
    for (const { error } of answers) expect(error?.message).toBe(`path \`${path}\` is not a file`);
  });

  it.each([
    ["desk/file", "a path must be absolute"],
    ["", "a path must be absolute"],
    ["/desk/fi\0le", "file name contained an unexpected NUL"],
    ["/nonexistent/file", "No such file or directory (os error 2)"],
    ["/dev/zero", "is not a file"],
    ["/", "is not a file"],
  ])("refuses %o", async (path, message) => {
    const { call } = await initialized();
    const { error } = await call("fs/readFile", { path });
    expect(error?.message).toContain(message);
  });
});

describe("odd JSON", () => {
  it("nested as deep as a message allows is answered, and the connection goes on", async () => {
    const { call, callText, socket } = await initialized();
    const deep = `${"[".repeat(500_000)}${"]".repeat(500_000)}`;
    expect((await callText("mock/experimentalMethod", deep)).error?.code).toBe(-32600);
    expect(
      (await callText("mock/experimentalMethod", `{"value":"v","other":${deep}}`)).result,
    ).toEqual({
      echoed: "v",
    });
    expect((await call("mock/experimentalMethod", { value: "on" })).result).toEqual({
      echoed: "on",
    });
    expect(socket.closes).toEqual([]);
  });

  it("with half a character is echoed as it came", async () => {
    const { callText, call } = await initialized();
    expect(
      (await callText("mock/experimentalMethod", String.raw`{"value":"\ud800x"}`)).result,
    ).toEqual({
      echoed: "\ud800x",
    });
    expect((await call("fs/readFile", { path: "/\ud800" })).error?.code).toBe(-32603);
  });
});
