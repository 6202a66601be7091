/** Whether the keys of the issuers in farhelm.toml can be had now, for whoever looks for what is wrong. */
import { readHostSettings } from "../config/host-settings.ts";
import { KeySetError } from "../crypto/key-set.ts";
import { loaderOf } from "./foreign-issuers.ts";

export interface IssuerCheck {
  readonly iss: string;
  /** Keys that signatures can be verified with. */
  readonly usableKeys: number;
  /** Why there are none at all. */
  readonly why?: string;
}

/** Rejects with `ConfigError` when farhelm.toml cannot be read. */
export async function checkIssuers(farhelmHome: string): Promise<readonly IssuerCheck[]> {
  const { issuers } = readHostSettings(farhelmHome);
  return Promise.all(
    issuers.map(async ({ iss, jwks }) => {
      try {
        const { keys } = await loaderOf(jwks, farhelmHome)();
        return { iss, usableKeys: keys.size };
      } catch (error) {
        if (error instanceof KeySetError) return { iss, usableKeys: 0, why: error.message };
        throw error;
      }
    }),
  );
}
