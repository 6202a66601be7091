/** Where threads can be kept. */
export const storeKinds = ["local", "memory", "postgres"] as const;
export type StoreKind = (typeof storeKinds)[number];
