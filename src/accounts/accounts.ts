import { join } from "node:path";
import type { Audit, AuditEntry } from "../audit/port.ts";
import { by, hostActor } from "../audit/port.ts";
import type { ConfigReader } from "../config/port.ts";
import { unreachable } from "../util/unreachable.ts";
import { agentEnvironment, isSafeAddress } from "./agent-environment.ts";
import type { LoadOutcome } from "./agent-identity-loader.ts";
import { AgentIdentityLoader } from "./agent-identity-loader.ts";
import { AuthFile } from "./auth-file.ts";
import { LoginError } from "./login-error.ts";
import { LoginSource } from "./login-source.ts";
import type { Account, Accounts, AuthMode, CredentialQuestion } from "./port.ts";
import { isSendable } from "./sendable.ts";

export interface AccountsOptions {
  /** The folder that holds auth.json. */
  readonly codexHome: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly config: Pick<ConfigReader, "read">;
  readonly audit: Audit;
  readonly log: { warn(event: string, facts: object): void };
}

export interface HostAccounts extends Accounts {
  /** Begins to load an agent identity, if that is the login; whoever needs it waits for it. */
  begin(): void;
  /** Ends what is under way. */
  close(): void;
}

/** Accounts from the environment and auth.json; both are looked at anew on every call. */
export function createAccounts(options: AccountsOptions): HostAccounts {
  return new StoredAccounts(options);
}

type Headers = Readonly<Record<string, string>>;

class StoredAccounts implements HostAccounts {
  readonly #source: LoginSource;
  readonly #env: AccountsOptions["env"];
  readonly #loader: AgentIdentityLoader;

  constructor({ codexHome, env, config, audit, log }: AccountsOptions) {
    this.#source = new LoginSource(new AuthFile(join(codexHome, "auth.json")), env);
    this.#env = env;
    this.#loader = new AgentIdentityLoader({
      environment: () => agentEnvironment(config.read().chatgptBaseUrl, env),
      ended: (outcome) => {
        audit.add(identityEntry(outcome));
        if ("fault" in outcome) log.warn("login not usable", { reason: outcome.fault.message });
      },
    });
  }

  begin(): void {
    const found = this.#source.find();
    if (found.type === "agentIdentity") void this.#loader.loaded(found.material);
  }

  close(): void {
    this.#loader.close();
  }

  mode(): AuthMode | null {
    const { type } = this.#source.find();
    if (type === "apiKey") return "apikey";
    return type === "chatgpt" || type === "agentIdentity" ? type : null;
  }

  usesCodexBackend(): boolean {
    const mode = this.mode();
    return mode === "chatgpt" || mode === "agentIdentity";
  }

  async account(): Promise<Account | null> {
    const found = this.#source.find();
    if (found.type === "apiKey") return { type: "apiKey" };
    if (found.type === "chatgpt") return found.login.account;
    if (found.type !== "agentIdentity") return null;
    return (await this.#loader.loaded(found.material))?.account ?? null;
  }

  fault(): string | undefined {
    const found = this.#source.find();
    if (found.type === "unusable") return found.fault.message;
    if (found.type === "apiKey") return found.leftAside?.message;
    if (found.type === "chatgpt") return found.login.fault(Date.now())?.message;
    if (found.type === "agentIdentity") return this.#loader.fault(found.material)?.message;
    return undefined;
  }

  async headersFor(provider: CredentialQuestion): Promise<Headers> {
    if (provider.envKey !== null) return bearer(this.#fromVariable(provider, provider.envKey));
    if (!provider.requiresOpenaiAuth) return {};
    const found = this.#source.find();
    switch (found.type) {
      case "apiKey":
        return bearer(sendable(found.key, found.source));
      case "chatgpt":
        refuseInsecure(provider, "the tokens of a ChatGPT login");
        return found.login.headers(Date.now());
      case "agentIdentity": {
        refuseInsecure(provider, "the assertions of an agent identity");
        const identity = await this.#loader.load(found.material);
        return identity.headers(Date.now());
      }
      case "unusable":
        throw found.fault;
      case "none":
        throw new LoginError(
          `Model provider \`${provider.id}\` needs an OpenAI API key and none was found`,
          `Set OPENAI_API_KEY in the environment of the host, or put it into ${this.#source.path}.`,
        );
      default:
        return unreachable(found);
    }
  }

  #fromVariable(provider: CredentialQuestion, name: string): string {
    const value = this.#env[name]?.trim() ?? "";
    if (value !== "") return sendable(value, name);
    throw new LoginError(
      `Missing environment variable: \`${name}\``,
      provider.envKeyInstructions ?? "Set it in the environment of the host and start it again.",
    );
  }
}

const bearer = (token: string): Headers => ({ authorization: `Bearer ${token}` });

function sendable(value: string, source: string): string {
  if (isSendable(value)) return value;
  throw new LoginError(
    `The key in ${source} holds characters that cannot be sent`,
    "Copy it again without blanks or line breaks.",
  );
}

/** They bind neither path nor body: who reads one can use it for as long as it counts. */
function refuseInsecure({ id, baseUrl }: CredentialQuestion, what: string): void {
  if (isSafeAddress(baseUrl)) return;
  throw new LoginError(
    `Model provider \`${id}\` has a base_url without encryption, to which ${what} are not sent`,
    "Use an https address, or one on this machine.",
  );
}

function identityEntry(outcome: LoadOutcome): AuditEntry {
  const { source } = outcome;
  const act = "identity.load" as const;
  return "fault" in outcome
    ? { act, outcome: "failed", code: "identity_refused", ...by(hostActor), about: { source } }
    : { act, outcome: "done", ...by(hostActor), about: { source, runtime: outcome.runtimeId } };
}
