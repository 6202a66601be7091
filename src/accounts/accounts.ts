import { join } from "node:path";
import { AuthFile } from "./auth-file.ts";
import type { Account, Accounts } from "./port.ts";

export interface AccountsOptions {
  /** The folder that holds auth.json. */
  readonly codexHome: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Accounts from auth.json and the environment; both are looked at anew on every call. */
export function createAccounts({ codexHome, env }: AccountsOptions): Accounts {
  return new StoredAccounts(new AuthFile(join(codexHome, "auth.json")), env);
}

type BearerQuestion = Parameters<Accounts["bearerFor"]>[0];

/** What a bearer token may consist of; anything else would break the request's header. */
const SENDABLE = /^[\x21-\x7e]+$/;

class StoredAccounts implements Accounts {
  readonly #file: AuthFile;
  readonly #env: AccountsOptions["env"];

  constructor(file: AuthFile, env: AccountsOptions["env"]) {
    this.#file = file;
    this.#env = env;
  }

  current(): Account | null {
    return this.#apiKey() === undefined ? null : { type: "apiKey" };
  }

  unsupportedLogin(): string | undefined {
    const login = this.#file.read();
    if (login.type === "unsupported")
      return (
        `${this.#file.path} holds ${login.what}, which this version of Farhelm cannot use yet. ` +
        "Set OPENAI_API_KEY in the environment of the host, or choose another model_provider in config.toml."
      );
    if (login.type === "unreadable")
      return (
        `${this.#file.path} was left aside: ${login.why}. ` +
        "Repair or remove it, or set OPENAI_API_KEY in the environment of the host."
      );
    return undefined;
  }

  bearerFor(provider: BearerQuestion): string | undefined {
    if (provider.envKey !== null) return this.#fromVariable(provider, provider.envKey);
    if (!provider.requiresOpenaiAuth) return undefined;
    const key = this.#apiKey();
    if (key !== undefined) return sendable(key.value, key.source);
    throw new Error(
      this.unsupportedLogin() ??
        `Model provider \`${provider.id}\` needs an OpenAI API key and none was found. ` +
          `Set OPENAI_API_KEY in the environment of the host, or put it into ${this.#file.path}.`,
    );
  }

  #fromVariable(provider: BearerQuestion, name: string): string {
    const value = this.#env[name]?.trim() ?? "";
    if (value !== "") return sendable(value, name);
    const nextStep =
      provider.envKeyInstructions ?? "Set it in the environment of the host and start it again.";
    throw new Error(`Missing environment variable: \`${name}\`. ${nextStep}`);
  }

  #apiKey(): { readonly value: string; readonly source: string } | undefined {
    const override = this.#env["CODEX_API_KEY"]?.trim() ?? "";
    if (override !== "") return { value: override, source: "CODEX_API_KEY" };
    const login = this.#file.read();
    if (login.type === "apiKey") return { value: login.key, source: this.#file.path };
    const value = this.#env["OPENAI_API_KEY"]?.trim() ?? "";
    return value === "" ? undefined : { value, source: "OPENAI_API_KEY" };
  }
}

function sendable(value: string, source: string): string {
  if (SENDABLE.test(value)) return value;
  throw new Error(
    `The key in ${source} holds characters that cannot be sent. Copy it again without blanks or line breaks.`,
  );
}
