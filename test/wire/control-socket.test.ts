import { chmod, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fork } from "node:child_process";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { rawExchange, upgradeText } from "../helpers/raw-http.ts";
import { startTransport, stopTransports, TestClient } from "../helpers/running-transport.ts";

let home = "";
let path = "";
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "farhelm-home-"));
  path = join(home, "control.sock");
});
afterEach(async () => {
  await stopTransports();
  await rm(home, { recursive: true });
});

const modeOf = async (file: string): Promise<string> =>
  ((await stat(file)).mode & 0o777).toString(8);

test("opens a session as the local admin on any path, without Host or Origin rules", async () => {
  const { sessions } = await startTransport({ controlSocketPath: path });

  const client = await new TestClient(new WebSocket(`ws+unix://${path}:/rpc`)).opened();
  client.socket.send("hello");

  expect(await client.next()).toBe("echo: hello");
  expect((await sessions.at(0)).principal).toEqual({
    kind: "local",
    id: "local",
    name: "control.sock",
    role: "admin",
    address: "control.sock",
  });
  const odd = await rawExchange(
    { path },
    upgradeText("/any?token=x", { Host: "evil.example", Origin: "https://evil.example" }),
  );
  expect(odd.status).toBe(101);
});

test("is open to its owner only, in a folder that is", async () => {
  await chmod(home, 0o755);
  await startTransport({ controlSocketPath: path });
  expect([await modeOf(home), await modeOf(path)]).toEqual(["700", "600"]);
});

test("makes a folder that is not there", async () => {
  const inner = join(home, "new", "control.sock");
  await startTransport({ controlSocketPath: inner });
  expect(await modeOf(join(home, "new"))).toBe("700");
});

test("anything but an upgrade of version 13 is refused", async () => {
  await startTransport({ controlSocketPath: path });
  const get = await rawExchange({ path }, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const old = await rawExchange(
    { path },
    upgradeText("/", { Host: "x", "Sec-WebSocket-Version": "8" }),
  );
  expect([get.status, old.status]).toEqual([426, 426]);
});

test("a second host on the same home is told so, and the first goes on", async () => {
  await startTransport({ controlSocketPath: path });

  await expect(startTransport({ controlSocketPath: path })).rejects.toThrow(
    `another Farhelm host is running for this home (${path} answers): stop it, or set FARHELM_HOME to another folder`,
  );
  await new TestClient(new WebSocket(`ws+unix://${path}:/`)).opened();
});

test("the socket of a host that was killed is replaced", async () => {
  const script = join(home, "dead-host.mjs");
  await writeFile(
    script,
    `import { createServer } from "node:net";
     createServer().listen(${JSON.stringify(path)}, () => process.send("ready"));`,
  );
  const child = fork(script);
  await new Promise((resolve) => child.once("message", resolve));
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
  expect((await stat(path)).isSocket()).toBe(true);

  await startTransport({ controlSocketPath: path });

  await new TestClient(new WebSocket(`ws+unix://${path}:/`)).opened();
});

test("a file in the way is left alone", async () => {
  await writeFile(path, "mine");
  await expect(startTransport({ controlSocketPath: path })).rejects.toThrow(
    `${path} is in the way and is not a socket: move it aside`,
  );
});

test("a path that the system cannot take is named", async () => {
  const long = join(home, "x".repeat(120), "control.sock");
  await expect(startTransport({ controlSocketPath: long })).rejects.toThrow(
    /is too long \(\d+ bytes, at most 10[37]\): choose a shorter FARHELM_HOME/,
  );
});

test("when the port is taken, the control socket is given back", async () => {
  const blocker = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => blocker.once("listening", resolve));
  const address = blocker.address();
  const port = typeof address === "object" && address ? address.port : 0;

  await expect(startTransport({ controlSocketPath: path, port })).rejects.toThrow("is taken");
  blocker.close();

  await startTransport({ controlSocketPath: path, port });
});

test("closing ends its sessions with 1001 and removes the file", async () => {
  const { transport } = await startTransport({ controlSocketPath: path });
  const client = await new TestClient(new WebSocket(`ws+unix://${path}:/`)).opened();
  await transport.close();
  expect((await client.closed).code).toBe(1001);
  await expect(stat(path)).rejects.toThrow("ENOENT");
});
