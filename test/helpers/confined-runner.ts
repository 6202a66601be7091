/** A program of its own: confines and runs what it is told, a JSON line each, as whatever user it was started by. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { LinuxSandbox } from "../../src/tools/sandbox/linux-sandbox.ts";
import { SandboxError } from "../../src/tools/sandbox/port.ts";
import { CommandProxy } from "../../src/tools/network-proxy/command-proxy.ts";
import { type Proxied, RunnerOrder, RunnerSetting, type RunnerAnswer } from "./confined-order.ts";

const sandbox = new LinuxSandbox(RunnerSetting.parse(JSON.parse(process.argv[2] ?? "")));
const children = new Map<number, ReturnType<typeof spawn>>();

for await (const line of createInterface({ input: process.stdin })) {
  const order = RunnerOrder.parse(JSON.parse(line));
  if (order.kill !== undefined) children.get(order.kill)?.kill("SIGKILL");
  else
    void run(order).then((answer) =>
      process.stdout.write(`${JSON.stringify({ id: order.id, ...answer })}\n`),
    );
}

function proxyOf({ addresses, answer, ...lists }: Proxied): CommandProxy {
  const rules = { ...lists, reviewed: [], readsOnly: false, isClosed: false };
  return new CommandProxy({
    rules: () => rules,
    ask: async () => answer,
    async resolve(host) {
      const found = addresses[host];
      if (!found) throw new Error("no such name");
      return found;
    },
  });
}

async function run({ id, request }: RunnerOrder): Promise<Omit<RunnerAnswer, "id">> {
  const nothing = { out: "", err: "", code: -1, confineMs: 0 };
  if (!request) return { ...nothing, err: JSON.stringify(await sandbox.state(true)) };
  try {
    const startedMs = performance.now();
    const { network } = request;
    const confined = await sandbox.confine({
      ...request,
      network: typeof network === "boolean" ? network : proxyOf(network),
    });
    const confineMs = performance.now() - startedMs;
    const [program = "", ...args] = confined.command;
    const child = spawn(program, args, {
      cwd: "/",
      env: { ...confined.environment },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.set(id, child);
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      err += chunk.toString();
    });
    const code = await new Promise<number>((resolve) => {
      child.once("close", (ended) => resolve(ended ?? -1));
    });
    children.delete(id);
    confined.release();
    return { out, err, code, confineMs };
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error;
    return { ...nothing, refused: error.message };
  }
}
