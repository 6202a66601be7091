import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { verifyAudit } from "../../src/audit/verify.ts";
import { Bench, type Paired } from "../attack/bench.ts";
import type { MockModel } from "../helpers/mock-model.ts";
import { answer, say, startMockModel } from "../helpers/mock-model.ts";
import { escalatedCommand } from "../helpers/prompted-model.ts";
import { configFor, type HostClient } from "../helpers/running-host.ts";
import type { Sent } from "../helpers/text-frames.ts";

let model: MockModel;
let bench: Bench;
let phone: Paired;
let client: HostClient;
let threadId: string;

const start = async (approvals: string): Promise<void> => {
  bench = await Bench.start({
    config: configFor(model.baseUrl),
    prepare({ farhelmHome }) {
      mkdirSync(farhelmHome, { mode: 0o700 });
      writeFileSync(join(farhelmHome, "farhelm.toml"), `[approvals]\n${approvals}\n`);
    },
  });
  await bench.pair("admin");
  phone = await bench.pair("operator");
  client = await bench.connect(phone);
  threadId = await client.startThread();
};

beforeEach(async () => {
  model = await startMockModel();
});
afterEach(async () => {
  await bench.end();
  await model.close();
});

const isAsk = ({ method }: Sent): boolean => method === "item/commandExecution/requestApproval";
const isRefusal = ({ method }: Sent): boolean => method === "farhelm/approval/refused";
const made = (): boolean => existsSync(join(bench.homes.cwd, "made"));

/** The model wants a file made; the question as `client` gets it. */
const asks = async (): Promise<Sent> => {
  model.enqueue(answer(...escalatedCommand("touch made")), say("ok"));
  await client.startTurn(threadId, "make it");
  return client.until(isAsk);
};
/** The local admin comes while it waits. */
const adminAsked = async () => {
  const admin = await bench.admin();
  await admin.call("thread/resume", { threadId });
  const { id } = await admin.until(isAsk);
  return { admin, id };
};
const payloadOf = (request: Sent): object =>
  Object(request.params?.["farhelmSignature"])["payload"];
const signed = (request: Sent, decision = "accept") => ({
  decision,
  farhelmSignature: phone.device.approve(payloadOf(request), decision),
});
const receiptsFile = (): string => {
  const folder = join(bench.farhelmHome, "audit/receipts");
  return join(folder, readdirSync(folder)[0] ?? "");
};
const verified = (): Promise<string> =>
  verifyAudit({ dir: join(bench.farhelmHome, "audit") }).catch((error: Error) => error.message);

describe('with signed = "always"', () => {
  beforeEach(() => start('signed = "always"'));

  it("an unsigned answer does not count, the question stays, and a signed one lets it run", async () => {
    const request = await asks();
    const { admin, id } = await adminAsked();
    client.answer(request.id, { decision: "accept" });
    admin.answer(id, { decision: "accept" });
    const [here, there] = [await client.until(isRefusal), await admin.until(isRefusal)];
    expect([here.params?.["code"], there.params?.["code"]]).toEqual([
      "approval_signature_missing",
      "approval_no_key",
    ]);
    const { params } = await admin.until(({ method }) => method === "warning");
    expect(params).toEqual({
      threadId,
      message: `${String(there.params?.["message"])} ${String(there.params?.["nextStep"])}`,
    });
    expect(made()).toBe(false);

    client.answer(request.id, signed(request));
    await client.until(({ method }) => method === "turn/completed");
    expect(made()).toBe(true);
    await admin.until(({ method }) => method === "serverRequest/resolved");

    await bench.down();
    expect(await verified()).toMatch(/\n1 receipt of a signed approval holds/);
    const [receipt = ""] = readFileSync(receiptsFile(), "utf8").split("\n");
    const { signedPayloadBase64 } = JSON.parse(receipt);
    const text = Buffer.from(signedPayloadBase64, "base64").toString();
    expect(JSON.parse(text)).toEqual({
      domain: "farhelm-approval/v1",
      payload: { ...payloadOf(request), decision: "accept" },
    });
    expect(text).toContain("touch made");

    const edited = text.replace("touch made", "touch mad3");
    const other = { ...JSON.parse(receipt), signedPayloadBase64: btoa(edited) };
    writeFileSync(receiptsFile(), `${JSON.stringify(other)}\n`);
    expect(await verified()).toMatch(/^receipts\/[\d-]+\.jsonl, line 1: this receipt was edited/);
    writeFileSync(receiptsFile(), "");
    expect(await verified()).toMatch(/^\d+\.jsonl, line \d+ .*the receipt of this approval is not/);
  });

  it("an answer of yesterday does not count today, nor for another thread", async () => {
    const first = await asks();
    const answered = signed(first);
    client.answer(first.id, answered);
    await client.until(({ method }) => method === "turn/completed");
    threadId = await client.startThread();
    model.enqueue(answer(...escalatedCommand("touch made")), say("ok"));
    await client.startTurn(threadId, "again");
    const second = await client.until((sent) => isAsk(sent) && sent.id !== first.id);
    client.answer(second.id, answered);
    const refused = await client.until(isRefusal);
    expect(refused.params).toMatchObject({ threadId, code: "approval_bytes_differ" });
    // It is put again, in case the device had an old one.
    await client.until(
      (sent) => isAsk(sent) && sent.id === second.id && sent !== second && sent !== first,
    );
  });

  it("anybody who may answer may decline without a key", async () => {
    await asks();
    const { admin, id } = await adminAsked();
    admin.answer(id, { decision: "decline" });
    await client.until(({ method }) => method === "turn/completed");
    expect(made()).toBe(false);
  });
});

it("with signed_roles other roles need no signature, and that of an admin's token still counts", async () => {
  await start('signed_roles = ["operator"]');
  const request = await asks();
  client.answer(request.id, { decision: "accept" });
  const { params } = await client.until(isRefusal);
  expect(params?.["code"]).toBe("approval_signature_missing");
  const { admin, id } = await adminAsked();
  admin.answer(id, { decision: "accept" });
  await client.until(({ method }) => method === "turn/completed");
  expect(made()).toBe(true);
});
