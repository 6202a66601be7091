import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { deferred } from "../../../src/util/deferred.ts";
import { issuerJwk, readAssertion, startAgentBackend } from "../../helpers/agent-backend.ts";
import { openai, refusal } from "../../helpers/accounts-bench.ts";
import { ANOTHER, CANNOT, KEYS, TASK, account, useIdentityBench } from "./identity-bench.ts";

const on = useIdentityBench();
const { withToken, withKeys } = on;

describe("services that fail", () => {
  const KEYS_AGAIN =
    "Check chatgpt_base_url in config.toml and the way to it; the next turn tries again.";

  it.each([
    [{ status: 503 }, "the server answered with status 503"],
    [
      { status: 302, headers: { location: "/elsewhere/agent-identities/jwks" } },
      "the server answered with status 302",
    ],
    [{ body: "{" }, "it is no JSON Web Key Set"],
    [{ body: { keys: "none" } }, "it is no JSON Web Key Set"],
    [{ body: `{"keys":[${" ".repeat(300_000)}]}` }, "it is larger than 262144 bytes"],
  ])("a key set that is none: %j", async (answer, why) => {
    expect(await withKeys(answer)).toBe(
      `${CANNOT}failed to request agent identity JWKS from BASE/wham/agent-identities/jwks: ${why}. ${KEYS_AGAIN}`,
    );
    expect(on.backend.requests).toEqual([KEYS]);
  });

  it("a key that is too weak, or stands there twice, is no key", async () => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
    const weak = { ...publicKey.export({ format: "jwk" }), kid: "key-1" };
    for (const keys of [[weak], [issuerJwk, issuerJwk]])
      expect(await withKeys({ body: { keys } })).toBe(
        `${CANNOT}agent identity JWT kid key-1 is not trusted. ${ANOTHER}`,
      );
  });

  it("nobody there", async () => {
    const made = await withToken();
    await on.backend.close();
    expect(await refusal(made.headersFor(openai))).toContain(
      `failed to request agent identity JWKS from ${on.backend.baseUrl}/wham/agent-identities/jwks: the server could not be asked (ECONNREFUSED)`,
    );
    on.backend = await startAgentBackend();
  });

  it("a registration that is refused is not repeated", async () => {
    on.backend.misbehave({
      register: () => ({ status: 400, body: " unknown\u001b[31m\n\truntime\u202e " }),
    });
    const made = await withToken();
    expect(await refusal(made.headersFor(openai))).toBe(
      `${CANNOT}agent task registration failed with status 400 Bad Request: unknown [31m runtime. Check that this agent runtime is still registered, or get a new agent identity.`,
    );
    expect(on.backend.requests).toEqual([KEYS, TASK]);
  });

  it.each([503, 429])("a registration that answers %i is tried three times", async (status) => {
    on.backend.misbehave({ register: () => ({ status, body: "later" }) });
    const made = await withToken();
    expect(await refusal(made.headersFor(openai))).toMatch(
      /agent task registration failed with status \d+ [\w ]+: later\. The next turn tries again\.$/,
    );
    expect(on.backend.requests).toEqual([KEYS, TASK, TASK, TASK]);
  });

  it("a registration that fails twice and then does not", async () => {
    on.backend.misbehave({ register: (attempt) => (attempt < 3 ? { status: 500 } : undefined) });
    const made = await withToken();
    expect(readAssertion((await made.headersFor(openai))["authorization"])).toMatchObject({
      task_id: "task-3",
    });
  });

  it("the next request tries again, and all that come with it share the try", async () => {
    on.backend.misbehave({ register: () => ({ status: 400 }) });
    const made = await withToken();
    made.begin();
    const failed = await Promise.allSettled([1, 2, 3].map(() => made.headersFor(openai)));
    expect(failed.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(await made.account()).toBeNull();
    expect(on.backend.requests).toEqual([KEYS, TASK]);
    on.backend.misbehave({});
    await Promise.all([1, 2, 3].map(() => made.headersFor(openai)));
    expect(on.backend.requests).toEqual([KEYS, TASK, KEYS, TASK]);
    expect([await made.account(), made.fault()]).toEqual([account, undefined]);
  });

  const ANSWER =
    "Check CODEX_AGENT_IDENTITY_AUTHAPI_BASE_URL, if it is set; whoever runs that service has to correct its answer.";
  it.each([
    ["no JSON", "failed to decode agent task registration response"],
    [{}, "agent task registration response omitted task id"],
    [{ task_id: "a:b" }, "agent task registration response holds an unfit task id"],
    [
      { encrypted_task_id: "AAAA" },
      "agent task registration response holds an encrypted task id, which this version of Farhelm cannot open",
    ],
  ])("a registration that answers %j", async (body, why) => {
    on.backend.misbehave({ register: () => ({ body }) });
    const made = await withToken();
    expect(await refusal(made.headersFor(openai))).toBe(`${CANNOT}${why}. ${ANSWER}`);
  });

  it("the host stops while one is under way", async () => {
    on.backend.misbehave({ jwks: { after: deferred().promise } });
    const made = await withToken();
    const waiting = refusal(made.headersFor(openai));
    await on.backend.requested(1);
    made.close();
    expect(await waiting).toBe(`${CANNOT}The host is stopping. Start it again.`);
    expect(on.bench.audit.entries).toEqual([]);
  });
});
