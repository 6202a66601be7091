/** The services that an agent identity needs, on loopback: a key set and the registration of tasks. */
import type { KeyObject } from "node:crypto";
import { generateKeyPairSync, verify } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { SignJWT } from "jose";

type Members = Readonly<Record<string, unknown>>;

export interface BackendAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as it is, anything else as JSON. */
  readonly body?: unknown;
  /** Instead of a body: what was sent. */
  readonly echo?: true;
  /** Sent when it resolves. */
  readonly after?: Promise<unknown>;
}

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const agent = generateKeyPairSync("ed25519");

/** Of the key that signs the tokens. */
export const issuerJwk: Members = {
  ...rsa.publicKey.export({ format: "jwk" }),
  kid: "key-1",
  alg: "RS256",
  use: "sig",
};

/** PKCS #8 in base64, as identities carry it. */
export const agentPrivateKey = agent.privateKey
  .export({ format: "der", type: "pkcs8" })
  .toString("base64");

/** SPKI in base64, as those who know the runtime have it. */
export const agentPublicKey = agent.publicKey
  .export({ format: "der", type: "spki" })
  .toString("base64");

export const identityMembers: Members = {
  agent_runtime_id: "runtime-1",
  agent_private_key: agentPrivateKey,
  account_id: "account-1",
  chatgpt_user_id: "user-1",
  email: "ada@example.com",
  plan_type: "pro",
  chatgpt_account_is_fedramp: false,
};

interface TokenSignature {
  readonly key?: KeyObject | Uint8Array;
  readonly alg?: string;
  /** `null`: none. */
  readonly kid?: string | null;
}

/** A claim that is `undefined` is left out. */
export function identityToken(
  claims: Members = {},
  { key = rsa.privateKey, alg = "RS256", kid = "key-1" }: TokenSignature = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const all = {
    iss: "https://chatgpt.com/codex-backend/agent-identity",
    aud: "codex-app-server",
    iat: now - 5,
    exp: now + 3600,
    ...identityMembers,
    ...claims,
  };
  const known = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return new SignJWT(known)
    .setProtectedHeader({ alg, typ: "JWT", ...(kid === null ? {} : { kid }) })
    .sign(key);
}

const signedByAgent = (text: string, signature: unknown): boolean =>
  typeof signature === "string" &&
  Buffer.from(signature, "base64").toString("base64") === signature &&
  verify(null, Buffer.from(text), agent.publicKey, Buffer.from(signature, "base64"));

/** What the header asserts; throws unless it has exactly its form and the agent's signature. */
export function readAssertion(authorization: string | undefined): Members {
  const [scheme, text = "", ...more] = (authorization ?? "").split(" ");
  if (scheme !== "AgentAssertion" || more.length > 0) throw new Error("not an AgentAssertion");
  const json = Buffer.from(text, "base64url").toString();
  if (Buffer.from(json).toString("base64url") !== text) throw new Error("not canonical base64url");
  const members: Record<string, unknown> = JSON.parse(json);
  const { agent_runtime_id: runtime, signature, task_id: task, timestamp } = members;
  if (!signedByAgent(`${String(runtime)}:${String(task)}:${String(timestamp)}`, signature))
    throw new Error("the signature does not hold");
  return members;
}

export interface AgentBackend {
  /** For `chatgpt_base_url`. */
  readonly baseUrl: string;
  /** What lets a client use it instead of OpenAI's. */
  readonly env: Readonly<Record<string, string>>;
  /** Method and path of each request, in order. */
  readonly requests: readonly string[];
  /** Resolves when `count` requests have come in all. */
  requested(count: number): Promise<void>;
  /** What differs from the usual answer with the key set, and answers instead of the usual ones to registrations, by their number. */
  misbehave(answers: {
    readonly jwks?: BackendAnswer;
    readonly register?: (attempt: number) => BackendAnswer | undefined;
  }): void;
  close(): Promise<void>;
}

export async function startAgentBackend(path = "/backend-api"): Promise<AgentBackend> {
  const requests: string[] = [];
  const waiting = new Set<() => void>();
  let registrations = 0;
  let wrong: Parameters<AgentBackend["misbehave"]>[0] = {};
  const register = async (request: IncomingMessage): Promise<BackendAnswer> => {
    registrations += 1;
    const instead = wrong.register?.(registrations);
    if (instead?.echo) return { ...instead, body: await jsonBody(request) };
    if (instead !== undefined) return instead;
    const runtime = /\/v1\/agent\/([^/]+)\/task\/register$/.exec(request.url ?? "")?.[1] ?? "";
    const { timestamp, signature, ...more } = await jsonBody(request);
    const fits =
      Object.keys(more).length === 0 &&
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(String(timestamp)) &&
      signedByAgent(`${runtime}:${String(timestamp)}`, signature) &&
      request.headers.authorization === undefined;
    return fits ? { body: { task_id: `task-${registrations}` } } : { status: 403 };
  };
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    for (const check of waiting) check();
    const { url = "", method } = request;
    if (method === "GET" && url.endsWith("/agent-identities/jwks"))
      void send(response, { body: { keys: [issuerJwk] }, ...wrong.jwks });
    else if (method === "POST" && url.startsWith("/authapi/"))
      void register(request).then((answer) => send(response, answer));
    else void send(response, { status: 404 });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  const baseUrl = `http://127.0.0.1:${port}${path}`;
  return {
    baseUrl,
    env: {
      CODEX_AGENT_IDENTITY_JWKS_BASE_URL: baseUrl,
      CODEX_AGENT_IDENTITY_AUTHAPI_BASE_URL: `http://127.0.0.1:${port}/authapi`,
    },
    requests,
    requested: (count) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (requests.length < count) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    misbehave: (answers) => (wrong = answers),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function send(
  response: ServerResponse,
  { status = 200, headers = {}, body = {}, after }: BackendAnswer,
): Promise<void> {
  await after;
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

async function jsonBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}
