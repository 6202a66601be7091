/** `auth.json` as Codex writes it. */
import { readFileSync, statSync } from "node:fs";
import { isRecord } from "../util/is-record.ts";

/** How the file says that its owner logs in. Nothing of it is verified. */
export type StoredLogin =
  | { readonly type: "none" }
  | { readonly type: "apiKey"; readonly key: string }
  | { readonly type: "chatgpt"; readonly tokens: Readonly<Record<string, unknown>> }
  /** A JWT, or the members of one that nobody signed. */
  | {
      readonly type: "agentIdentity";
      readonly identity: string | Readonly<Record<string, unknown>>;
    }
  /** There is a login, but it cannot be used. */
  | { readonly type: "unusable"; readonly why: string; readonly nextStep: string };

const REPAIR = "Repair or remove it, or set OPENAI_API_KEY in the environment of the host.";
const OTHER_LOGIN =
  "Set OPENAI_API_KEY in the environment of the host, or choose another model_provider in config.toml.";

/** Reads the file again when it changed. */
export class AuthFile {
  readonly path: string;
  #stamp = "";
  #login: StoredLogin = { type: "none" };

  constructor(path: string) {
    this.path = path;
  }

  read(): StoredLogin {
    const stamp = this.#currentStamp();
    if (stamp !== this.#stamp) {
      this.#login = stamp === "" ? { type: "none" } : this.#load();
      this.#stamp = stamp;
    }
    return this.#login;
  }

  #currentStamp(): string {
    const stat = statSync(this.path, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? "" : `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
  }

  #load(): StoredLogin {
    const unreadable = (why: string): StoredLogin => ({
      type: "unusable",
      why: `${this.path} was left aside: ${why}`,
      nextStep: REPAIR,
    });
    let text: string;
    try {
      text = readFileSync(this.path, "utf8");
    } catch {
      return unreadable("it cannot be opened; check its permissions");
    }
    let content: unknown;
    try {
      content = JSON.parse(text);
    } catch {
      // The parser's message quotes the text, which holds secrets.
      return unreadable("it is not valid JSON");
    }
    return isRecord(content) ? this.#loginOf(content) : unreadable("it holds no JSON object");
  }

  #loginOf(content: Readonly<Record<string, unknown>>): StoredLogin {
    const { auth_mode: mode, tokens, agent_identity: identity } = content;
    const key = content["OPENAI_API_KEY"];
    const unstated = mode === undefined || mode === null;
    if (typeof key === "string" && key.trim() !== "" && (unstated || mode === "apikey"))
      return { type: "apiKey", key: key.trim() };
    if (mode === "apikey") return { type: "none" };
    if (mode === "agentIdentity") return this.#agentIdentity(identity);
    if (isRecord(tokens) && (unstated || mode === "chatgpt")) return { type: "chatgpt", tokens };
    if (mode === "chatgpt")
      return this.#unusable("says that you log in with ChatGPT and holds no tokens", LOG_IN_AGAIN);
    if (!unstated)
      return this.#unusable(
        `holds a login of the kind "${kindOf(mode)}", which this version of Farhelm cannot use`,
        OTHER_LOGIN,
      );
    return identity === undefined || identity === null
      ? { type: "none" }
      : this.#unusable(
          "holds an agent identity but does not say that it is the login",
          'Add "auth_mode": "agentIdentity" to it.',
        );
  }

  #agentIdentity(identity: unknown): StoredLogin {
    return typeof identity === "string" || isRecord(identity)
      ? { type: "agentIdentity", identity }
      : this.#unusable(
          'has auth_mode "agentIdentity" and no agent_identity',
          "Log in again with `codex login --with-access-token`, or remove the file.",
        );
  }

  #unusable(what: string, nextStep: string): StoredLogin {
    return { type: "unusable", why: `${this.path} ${what}`, nextStep };
  }
}

const kindOf = (mode: unknown): string =>
  typeof mode === "string" ? mode.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 40) : "unknown";

const LOG_IN_AGAIN = "Run `codex login` on this machine, or set OPENAI_API_KEY in the environment.";
