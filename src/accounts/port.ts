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
