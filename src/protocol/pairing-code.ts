/** The short code that a person types by hand: 8 characters of 32, so 40 bits. */

/** Digits and capitals without 0, 1, I and O, which look alike. */
export const codeAlphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
export const codeLength = 8;

/** The code in what was typed: case, spaces and separators do not count. Undefined when it cannot be one. */
export function readPairingCode(typed: string): string | undefined {
  const code = typed.replaceAll(/[\s.\-_–—]/g, "").toUpperCase();
  return codeForm.test(code) ? code : undefined;
}

const codeForm = /^[2-9A-HJ-NP-Z]{8}$/;

/** As people read it: `ABCD-EFGH`. */
export const pairingCodeText = (code: string): string => `${code.slice(0, 4)}-${code.slice(4)}`;
