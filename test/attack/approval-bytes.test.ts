/** What somebody approves and what is run: the same bytes, or nothing runs. */
import { existsSync, readFileSync, writeFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { isRecord } from "../../src/util/is-record.ts";
import type { MockModel } from "../helpers/mock-model.ts";
import { answer, say, startMockModel } from "../helpers/mock-model.ts";
import { escalatedCommand } from "../helpers/prompted-model.ts";
import { configFor, type HostClient } from "../helpers/running-host.ts";
import type { SoftDevice } from "../unit/auth/soft-device.ts";
import { attack, useHost } from "./attack.ts";
import type { Bench } from "./bench.ts";

let model: MockModel;

useHost(async () => {
  model = await startMockModel();
  return {
    config: configFor(model.baseUrl),
    prepare: ({ farhelmHome }) => {
      mkdirSync(farhelmHome, { mode: 0o700 });
      writeFileSync(join(farhelmHome, "farhelm.toml"), '[approvals]\nsigned = "always"\n');
    },
  };
});
afterAll(() => model?.close());

/** Writes down its own text: what the shell was really given. */
const telling = (file: string, rest: string): string =>
  `printf %s "$BASH_EXECUTION_STRING" > ${file}\n${rest}`;

const rests: Readonly<Record<string, string>> = {
  "right to left": "# \u202etxt.exe\u202c \u2066x\u2069 \u200f",
  escapes: "# \u001b[2K\u001b[1A\u001b]0;t\u0007\u0008\u0008 ok",
  "carriage return": "true # rm -rf build\rls        ",
  "no width": "# l\u200bs\u200c\u200d\ufeff\u2060\u00ad \u180e\u{e0041}",
  spaces: "true #\u00a0\u2003\u3000\u1680",
  newlines: `true${"\n".repeat(500)}# at the very end`,
  separators: "true # \u2028one\u2029two\u0085three\u000b\u000c",
  composed: "# \u00e9 e\u0301 \ufb01 \u212b",
  quotes: `# ' " \\ \` $(true) \${x} \u{1f600}`,
  long: `# ${"x".repeat(100_000)}`,
};

/** What a screen might show of it, or a careless program sign. */
const readings: Readonly<Record<string, (text: string) => string>> = {
  visible: (text) => text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ""),
  "in one line": (text) => text.replaceAll(/\s+/g, " ").trim(),
  beginning: (text) => text.split("\n", 1)[0] ?? "",
  "as a terminal leaves it": (text) => text.replaceAll(/[^\n]*\r/g, ""),
  composed: (text) => text.normalize("NFKC"),
  decomposed: (text) => text.normalize("NFD"),
  short: (text) => text.slice(0, 1000),
  padded: (text) => `${text} `,
};

interface Asked {
  readonly id: number;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly script: string;
}

/** The model wants `script` to be run; the question as the device gets it. */
async function asked(client: HostClient, threadId: string, script: string): Promise<Asked> {
  const callId = `call_${Math.random().toString(36).slice(2)}`;
  model.enqueue(answer(...escalatedCommand(script, callId)), say("done"));
  await client.startTurn(threadId, "go");
  const request = await client.until(
    ({ method, params }) =>
      method === "item/commandExecution/requestApproval" && params?.["itemId"] === callId,
  );
  const challenge = request.params?.["farhelmSignature"];
  const payload = isRecord(challenge) ? challenge["payload"] : undefined;
  const command = isRecord(payload) ? payload["command"] : undefined;
  if (!isRecord(payload) || !Array.isArray(command)) throw new Error("nothing is to be signed");
  return { id: Number(request.id), payload, script: String(command[2]) };
}

/** Answers with a signature over the same question about another script, if it is another. */
async function signsOther(
  client: HostClient,
  device: SoftDevice,
  { id, payload, script }: Asked,
  other: string,
): Promise<number> {
  if (other === script) return 0;
  const command = [...Object(payload["command"]).slice(0, 2), other];
  const before = refusals(client);
  const farhelmSignature = device.approve({ ...payload, command }, "accept");
  client.answer(id, { decision: "accept", farhelmSignature });
  await client.until(() => refusals(client) > before);
  return 1;
}

const refusals = (client: HostClient): number =>
  client.sent.filter(({ method }) => method === "farhelm/approval/refused").length;

/** A device of its own for each text, so that nobody is shut out for trying too much. */
async function approver(bench: Bench) {
  const paired = await bench.pair("operator");
  return { client: await bench.connect(paired), device: paired.device };
}

attack(
  "D5",
  "a signature over what a screen shows of a command instead of the command",
  {
    expect: { act: "approval.answer", code: "approval_bytes_differ" },
    timeoutMs: 120_000,
  },
  async (bench) => {
    await bench.pair("admin");
    let tried = 0;
    let admitted = 0;
    let same = 0;
    for (const [index, rest] of Object.values(rests).entries()) {
      const { client, device } = await approver(bench);
      const threadId = await client.startThread();
      const file = join(bench.homes.cwd, `ran-${index}`);
      const script = telling(file, rest);
      const question = await asked(client, threadId, script);
      expect(question.script).toBe(script);
      for (const read of Object.values(readings)) {
        tried += await signsOther(client, device, question, read(script));
        if (existsSync(file)) admitted += 1;
      }
      client.answer(question.id, {
        decision: "accept",
        farhelmSignature: device.approve(question.payload, "accept"),
      });
      await client.until(({ method }) => method === "turn/completed");
      // The bytes that the shell was given are the bytes that were signed.
      if (readFileSync(file, "utf8") === script) same += 1;
    }
    expect(same).toBe(Object.keys(rests).length);

    // A megabyte is shown and signed whole; the system then takes no argument as long as that.
    const { client, device } = await approver(bench);
    const huge = `true # ${"y".repeat(1_000_000)}`;
    const question = await asked(client, await client.startThread(), huge);
    expect(question.script).toBe(huge);
    tried += await signsOther(client, device, question, huge.slice(0, 4096));
    client.answer(question.id, {
      decision: "accept",
      farhelmSignature: device.approve(question.payload, "accept"),
    });
    const { params } = await client.until(
      ({ method, params: of }) =>
        method === "item/completed" && Object(of?.["item"])["type"] === "commandExecution",
    );
    expect(Object(params?.["item"])).toMatchObject({ status: "failed", exitCode: -1 });
    return { tried, admitted, texts: same + 1 };
  },
);
