import { randomBytes, randomInt } from "node:crypto";

/** 32 random bytes as unpadded base64url: for whatever must not be guessed. */
export const randomSecret = (): string => randomBytes(32).toString("base64url");

/** An id with a readable prefix and 16 random bytes, for example `dev_0nT2…`. */
export const randomId = (prefix: string): string =>
  `${prefix}_${randomBytes(16).toString("base64url")}`;

/** Characters of `alphabet`, each as likely as the others. */
export const randomCode = (alphabet: string, length: number): string =>
  Array.from({ length }, () => alphabet.charAt(randomInt(alphabet.length))).join("");
