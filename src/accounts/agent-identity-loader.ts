/** Loads the agent identity: decodes, verifies, registers, once for all who wait for it. */
import {
  decodeAgentIdentityToken,
  verifyAgentIdentityToken,
} from "../crypto/agent-identity-token.ts";
import { readAgentKey } from "../crypto/agent-key.ts";
import { unlessAborted } from "../util/unless-aborted.ts";
import type { AgentEnvironment } from "./agent-environment.ts";
import { fetchAgentIdentityKeys } from "./agent-identity-keys.ts";
import type { AgentIdentityRecord } from "./agent-identity-record.ts";
import { recordOfClaims, recordOfFile } from "./agent-identity-record.ts";
import { AgentIdentity } from "./agent-identity.ts";
import { registerTask } from "./agent-task.ts";
import { LoginError } from "./login-error.ts";

/** An agent identity as it was found. */
export interface AgentIdentityMaterial {
  /** Where, for people: a variable's name or a file. */
  readonly source: string;
  /** Equal for equal contents. */
  readonly digest: string;
  /** A JWT, or the members that auth.json holds. */
  readonly identity: string | Readonly<Record<string, unknown>>;
}

/** How an attempt ended. */
export type LoadOutcome =
  | { readonly source: string; readonly runtimeId: string }
  | { readonly source: string; readonly fault: LoginError };

export interface LoaderOptions {
  /** Asked at each attempt. May throw. */
  environment(): AgentEnvironment;
  /** Hears of every attempt. */
  ended(outcome: LoadOutcome): void;
}

interface Attempt {
  readonly digest: string;
  readonly result: Promise<AgentIdentity>;
  fault?: LoginError;
}

export class AgentIdentityLoader {
  readonly #options: LoaderOptions;
  readonly #closing = new AbortController();
  #attempt: Attempt | undefined;

  constructor(options: LoaderOptions) {
    this.#options = options;
  }

  /** Loaded once per content; who comes meanwhile waits along, who comes after a failure tries anew. Rejects with `LoginError`. */
  load(material: AgentIdentityMaterial): Promise<AgentIdentity> {
    const last = this.#attempt;
    if (last?.digest === material.digest && last.fault === undefined) return last.result;
    return this.#begin(material).result;
  }

  /** The same without another try after a failure; undefined then. */
  async loaded(material: AgentIdentityMaterial): Promise<AgentIdentity | undefined> {
    const last = this.#attempt;
    const attempt = last?.digest === material.digest ? last : this.#begin(material);
    return attempt.result.catch(() => undefined);
  }

  /** Why the last attempt failed, if it did. */
  fault(material: AgentIdentityMaterial): LoginError | undefined {
    return this.#attempt?.digest === material.digest ? this.#attempt.fault : undefined;
  }

  /** Ends what is under way. */
  close(): void {
    this.#closing.abort(new LoginError("The host is stopping", "Start it again."));
  }

  #begin(material: AgentIdentityMaterial): Attempt {
    const result = this.#identity(material);
    const attempt: Attempt = { digest: material.digest, result };
    this.#attempt = attempt;
    const { source } = material;
    result.then(
      ({ runtimeId }) => this.#options.ended({ source, runtimeId }),
      (error: unknown) => {
        attempt.fault = faultOf(source, error);
        if (this.#closing.signal.aborted) return;
        this.#options.ended({ source, fault: attempt.fault });
      },
    );
    return attempt;
  }

  async #identity(material: AgentIdentityMaterial): Promise<AgentIdentity> {
    try {
      return await this.#register(material);
    } catch (error) {
      throw faultOf(material.source, error);
    }
  }

  async #register({ identity }: AgentIdentityMaterial): Promise<AgentIdentity> {
    const { signal } = this.#closing;
    signal.throwIfAborted();
    const record = typeof identity === "string" ? decoded(identity) : recordOfFile(identity);
    const { jwksUrl, authApiBaseUrl } = this.#options.environment();
    if (typeof identity === "string") await unlessAborted(verify(identity, jwksUrl), signal);
    const { privateKey, taskId, ...rest } = record;
    const signer = readAgentKey(privateKey);
    const { runtimeId } = record;
    const task = taskId ?? (await registerTask({ authApiBaseUrl, runtimeId, signer, signal }));
    return new AgentIdentity(rest, signer, task);
  }
}

const decoded = (token: string): AgentIdentityRecord =>
  recordOfClaims(decodeAgentIdentityToken(token).claims);

async function verify(token: string, jwksUrl: string): Promise<void> {
  const keys = await fetchAgentIdentityKeys(jwksUrl);
  await verifyAgentIdentityToken(token, keys, Date.now());
}

/** Any error in the words of a login's; where the identity was found comes first. */
function faultOf(source: string, cause: unknown): LoginError {
  if (cause instanceof LoginError && cause.reason.startsWith(AT)) return cause;
  const why = cause instanceof Error ? cause.message : "it cannot be read";
  const reason = cause instanceof LoginError ? cause.reason : why;
  const nextStep =
    cause instanceof LoginError ? cause.nextStep : "Get a new one from whoever issued it.";
  return new LoginError(`${AT} ${source} cannot be used: ${reason}`, nextStep, { cause });
}

const AT = "The agent identity in";
