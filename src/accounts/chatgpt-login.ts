/** The tokens of a ChatGPT login, as Codex keeps them in auth.json. Codex renews them; this host does not. */
import { readCompactToken } from "../crypto/compact-jws.ts";
import { isRecord } from "../util/is-record.ts";
import { LoginError } from "./login-error.ts";
import { planTypeOf } from "./plan-types.ts";
import type { Account } from "./port.ts";
import { isSendable } from "./sendable.ts";

type Members = Readonly<Record<string, unknown>>;

/** The claim under which OpenAI's tokens tell of the account. */
const ACCOUNT_CLAIM = "https://api.openai.com/auth";
const LOG_IN = "Run `codex login` on this machine";

export class ChatgptLogin {
  readonly account: Account;
  readonly #path: string;
  readonly #accessToken: string;
  readonly #accountId: string;
  readonly #fedramp: boolean;
  readonly #expiresAtMs: number;

  /** `tokens`: of auth.json at `path`. Throws `LoginError` when they cannot be sent. */
  constructor(path: string, tokens: Members) {
    const identity = claimsOf(tokens["id_token"]);
    const facts = isRecord(identity[ACCOUNT_CLAIM]) ? identity[ACCOUNT_CLAIM] : {};
    const { email } = identity;
    const { chatgpt_user_id: userId } = facts;
    this.account = {
      type: "chatgpt",
      email: typeof email === "string" ? email : null,
      planType: planTypeOf(facts["chatgpt_plan_type"]),
      userId: typeof userId === "string" ? userId : null,
    };
    this.#path = path;
    this.#accessToken = sendable(path, "access_token", tokens["access_token"]);
    const accountId = tokens["account_id"] ?? facts["chatgpt_account_id"];
    this.#accountId = sendable(path, "account_id", accountId);
    this.#fedramp = facts["chatgpt_account_is_fedramp"] === true;
    const { exp } = claimsOf(this.#accessToken);
    this.#expiresAtMs = typeof exp === "number" ? exp * 1000 : Number.POSITIVE_INFINITY;
  }

  /** What is wrong with it now. */
  fault(nowMs: number): LoginError | undefined {
    if (nowMs < this.#expiresAtMs) return undefined;
    return new LoginError(
      `The ChatGPT login in ${this.#path} has expired`,
      `${LOG_IN}, or any Codex command, which renews it; then try again.`,
    );
  }

  /** Throws `LoginError` when the access token is over. */
  headers(nowMs: number): Readonly<Record<string, string>> {
    const fault = this.fault(nowMs);
    if (fault !== undefined) throw fault;
    return {
      authorization: `Bearer ${this.#accessToken}`,
      "chatgpt-account-id": this.#accountId,
      ...(this.#fedramp ? { "x-openai-fedramp": "true" } : {}),
    };
  }
}

/** Unverified: for what people are shown, and for when the token ends. */
const claimsOf = (token: unknown): Members =>
  typeof token === "string" ? (readCompactToken(token)?.claims ?? {}) : {};

function sendable(path: string, name: string, value: unknown): string {
  if (typeof value === "string" && isSendable(value)) return value;
  throw new LoginError(`The ChatGPT login in ${path} has no usable ${name}`, `${LOG_IN} again.`);
}
