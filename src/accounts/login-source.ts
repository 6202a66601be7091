/** Finds the login: what the environment says goes before auth.json. */
import { sha256Base64url } from "../crypto/digest.ts";
import { unreachable } from "../util/unreachable.ts";
import type { AgentIdentityMaterial } from "./agent-identity-loader.ts";
import type { AuthFile, StoredLogin } from "./auth-file.ts";
import { ChatgptLogin } from "./chatgpt-login.ts";
import { LoginError } from "./login-error.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export type FoundLogin =
  | { readonly type: "none" }
  | {
      readonly type: "apiKey";
      readonly key: string;
      readonly source: string;
      /** What is wrong with auth.json, in whose place the key serves. */
      readonly leftAside?: LoginError;
    }
  | { readonly type: "chatgpt"; readonly login: ChatgptLogin }
  | { readonly type: "agentIdentity"; readonly material: AgentIdentityMaterial }
  | { readonly type: "unusable"; readonly fault: LoginError };

/** Variables that hold an agent identity, the strongest first. */
const TOKEN_VARIABLES = ["CODEX_ACCESS_TOKEN", "CODEX_AGENT_IDENTITY"];
/** How OpenAI's personal access tokens begin. */
const PERSONAL_TOKEN = "at-";

export class LoginSource {
  readonly path: string;
  readonly #file: AuthFile;
  readonly #env: Environment;
  #read: { readonly stored: StoredLogin; readonly found: FoundLogin } | undefined;
  #token: { readonly text: string; readonly found: FoundLogin } | undefined;

  constructor(file: AuthFile, env: Environment) {
    this.path = file.path;
    this.#file = file;
    this.#env = env;
  }

  /** Looks at both anew; parses only what changed. */
  find(): FoundLogin {
    const override = this.#variable("CODEX_API_KEY");
    if (override !== "") return { type: "apiKey", key: override, source: "CODEX_API_KEY" };
    for (const name of TOKEN_VARIABLES) {
      const text = this.#variable(name);
      if (text !== "") return this.#fromToken(name, text);
    }
    const found = this.#fromFile();
    if (found.type !== "none" && found.type !== "unusable") return found;
    const key = this.#variable("OPENAI_API_KEY");
    if (key === "") return found;
    const leftAside = found.type === "unusable" ? { leftAside: found.fault } : {};
    return { type: "apiKey", key, source: "OPENAI_API_KEY", ...leftAside };
  }

  #variable(name: string): string {
    return this.#env[name]?.trim() ?? "";
  }

  #fromToken(source: string, text: string): FoundLogin {
    if (this.#token?.text !== text) {
      const found: FoundLogin = text.startsWith(PERSONAL_TOKEN)
        ? unusable(
            `${source} holds a personal access token, which this version of Farhelm cannot use`,
            "Set it to the JWT of an agent identity, or set OPENAI_API_KEY instead.",
          )
        : agentIdentity(source, text);
      this.#token = { text, found };
    }
    return this.#token.found;
  }

  #fromFile(): FoundLogin {
    const stored = this.#file.read();
    if (this.#read?.stored !== stored) this.#read = { stored, found: this.#understood(stored) };
    return this.#read.found;
  }

  #understood(stored: StoredLogin): FoundLogin {
    switch (stored.type) {
      case "none":
        return stored;
      case "apiKey":
        return { ...stored, source: this.path };
      case "unusable":
        return unusable(stored.why, stored.nextStep);
      case "agentIdentity":
        return agentIdentity(this.path, stored.identity);
      case "chatgpt":
        return this.#chatgpt(stored.tokens);
      default:
        return unreachable(stored);
    }
  }

  #chatgpt(tokens: Readonly<Record<string, unknown>>): FoundLogin {
    try {
      return { type: "chatgpt", login: new ChatgptLogin(this.path, tokens) };
    } catch (error) {
      if (error instanceof LoginError) return { type: "unusable", fault: error };
      throw error;
    }
  }
}

const unusable = (reason: string, nextStep: string): FoundLogin => ({
  type: "unusable",
  fault: new LoginError(reason, nextStep),
});

const agentIdentity = (
  source: string,
  identity: AgentIdentityMaterial["identity"],
): FoundLogin => ({
  type: "agentIdentity",
  material: { source, identity, digest: sha256Base64url(JSON.stringify(identity)) },
});
