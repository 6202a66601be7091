/** `auth.json` as Codex writes it, reduced to what this version can act on. */
import { readFileSync, statSync } from "node:fs";
import { isRecord } from "../util/is-record.ts";

/** How the file says that its owner logs in. */
export type StoredLogin =
  | { readonly type: "none" }
  | { readonly type: "apiKey"; readonly key: string }
  /** A login by other means than an API key. */
  | { readonly type: "unsupported"; readonly what: string }
  /** There is a file, but it cannot be used. */
  | { readonly type: "unreadable"; readonly why: string };

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
    let text: string;
    try {
      text = readFileSync(this.path, "utf8");
    } catch {
      return { type: "unreadable", why: "it cannot be opened; check its permissions" };
    }
    try {
      const content: unknown = JSON.parse(text);
      return isRecord(content)
        ? loginOf(content)
        : { type: "unreadable", why: "it holds no JSON object" };
    } catch {
      // The parser's message quotes the text, which holds secrets.
      return { type: "unreadable", why: "it is not valid JSON" };
    }
  }
}

function loginOf(content: Readonly<Record<string, unknown>>): StoredLogin {
  const mode = content["auth_mode"];
  const key = content["OPENAI_API_KEY"];
  const hasKey = typeof key === "string" && key.trim() !== "";
  if (hasKey && (mode === undefined || mode === null || mode === "apikey"))
    return { type: "apiKey", key: key.trim() };
  if (isRecord(content["agent_identity"]) || typeof content["agent_identity"] === "string")
    return { type: "unsupported", what: "an agent identity" };
  if (isRecord(content["tokens"])) return { type: "unsupported", what: "a ChatGPT login" };
  if (typeof mode === "string" && mode !== "apikey")
    return { type: "unsupported", what: `a login of the kind "${mode.slice(0, 40)}"` };
  return { type: "none" };
}
