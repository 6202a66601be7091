import type { Accounts } from "../../src/accounts/port.ts";

/** Nobody's accounts, but for what is given. */
export const fixedAccounts = (given: Partial<Accounts> = {}): Accounts => ({
  mode: () => null,
  usesCodexBackend: () => false,
  account: async () => null,
  fault: () => undefined,
  headersFor: async () => ({}),
  ...given,
});

export const withKey = (key: string): Accounts =>
  fixedAccounts({
    mode: () => "apikey",
    account: async () => ({ type: "apiKey" }),
    headersFor: async () => ({ authorization: `Bearer ${key}` }),
  });
