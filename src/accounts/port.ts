/** Who we are towards model endpoints: what auth.json and the environment hold. */
export type Account =
  | { readonly type: "apiKey" }
  | { readonly type: "chatgpt"; readonly email: string | null; readonly planType: string };

export interface Accounts {
  /** The account in auth.json or the environment, if any; never a secret. */
  current(): Account | null;
  /** A login found in auth.json that this version cannot use, in one sentence for people, or undefined. */
  unsupportedLogin(): string | undefined;
  /**
   * The bearer token for a model provider: from the environment variable that it names, else the
   * OpenAI API key where the provider wants one; undefined: it needs none.
   * Throws `Error` with a sentence that names the variable to set.
   */
  bearerFor(provider: {
    readonly envKey: string | null;
    readonly requiresOpenaiAuth: boolean;
    readonly envKeyInstructions: string | null;
    readonly id: string;
  }): string | undefined;
}
