/** Adds entries until it is killed; says on stdout which heads the log had. */
import { openAuditLog } from "../../../src/audit/audit-log.ts";
import { by } from "../../../src/audit/port.ts";

const [, , farhelmHome = "", seed = "0"] = process.argv;
const who = by({ kind: "device", id: "dev_1", name: "Phone", address: "10.0.0.7" });
const log = await openAuditLog({
  farhelmHome,
  log: { error: (event) => void process.stderr.write(`${event}\n`) },
  maxFileBytes: 40_000,
});

for (let index = 0; ; index += 1) {
  for (let more = 0; more <= (index * 7 + Number(seed)) % 40; more += 1) {
    const about = { method: "turn/start", threadId: "x".repeat((index + more) % 200) };
    log.add({ act: "call", outcome: "done", ...who, about });
  }
  if (index % 5 === 0) process.stdout.write(`${JSON.stringify(await log.head())}\n`);
  else await new Promise((resolve) => setImmediate(resolve));
}
