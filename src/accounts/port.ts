/** Who we are towards model endpoints and the Codex backend: what auth.json and the environment hold. */

/** How this host logs in, in the words of auth.json. */
export type AuthMode = "apikey" | "chatgpt" | "agentIdentity";

export type Account =
  | { readonly type: "apiKey" }
  | {
      /** ChatGPT tokens and agent identities alike. */
      readonly type: "chatgpt";
      readonly email: string | null;
      readonly planType: string;
      readonly userId: string | null;
    };

/** What a request's credentials depend on. */
export interface CredentialQuestion {
  /** The model provider's id in config.toml. */
  readonly id: string;
  readonly baseUrl: string;
  readonly envKey: string | null;
  readonly envKeyInstructions: string | null;
  readonly requiresOpenaiAuth: boolean;
}

export interface Accounts {
  /** The login that was found, before anything of it is verified; null: none that could be used. */
  mode(): AuthMode | null;
  /** Whether requests are for the Codex backend: ChatGPT tokens and agent identities are, an API key is not. */
  usesCodexBackend(): boolean;
  /**
   * Whose login it is, never a secret. Waits for an agent identity that is being loaded; null when
   * there is no login or it was refused.
   */
  account(): Promise<Account | null>;
  /** Why the login that was found is not used, in a sentence or two for people, or undefined. */
  fault(): string | undefined;
  /**
   * The headers that authorise one request to a model provider: of the environment variable that it
   * names, else of the login where the provider wants one; none where it wants none. An agent
   * identity signs anew for each request, after waiting for its own registration.
   * Rejects with `Error` and a sentence that says what to do.
   */
  headersFor(provider: CredentialQuestion): Promise<Readonly<Record<string, string>>>;
}

/** For whom a device key was made: it signs for nobody else. */
export interface KeyBinding {
  readonly accountUserId: string;
  readonly clientId: string;
}

export interface PublicDeviceKey {
  readonly keyId: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  readonly binding: KeyBinding;
}

/**
 * Keys by which programs of this machine prove themselves to a remote-control backend: P-256, kept in
 * files that only the host's owner can read (protection class `os_protected_nonextractable`).
 */
export interface DeviceKeys {
  /** Undefined: there are too many. */
  create(binding: KeyBinding): PublicDeviceKey | undefined;
  find(keyId: string): PublicDeviceKey | undefined;
  /** The DER signature, and exactly the bytes under it. Undefined: no such key. */
  sign(
    keyId: string,
    payload: { readonly [member: string]: string | number | readonly string[] },
  ): { readonly signature: Uint8Array; readonly signedBytes: Uint8Array } | undefined;
}
