/** What an admin does about devices. Failures come back as a sentence to show. */
import type { Requests } from "../../client/host-api.ts";
import type { Role } from "../../protocol/principal.ts";
import { client, keyStore } from "./session.ts";

export type Device = Requests["farhelm/devices/list"]["result"]["data"][number];
export type Offer = Requests["farhelm/pair/offer"]["result"];

type Outcome<T> = T | { readonly error: string };

export interface DeviceList {
  readonly devices: readonly Device[];
  /** The id of this browser. */
  readonly own: string | undefined;
}

export async function listDevices(): Promise<Outcome<DeviceList>> {
  return answered(async () => {
    const { data } = await client.call("farhelm/devices/list", {});
    return { devices: data, own: (await keyStore.load())?.clientId };
  });
}

export const offerPairing = (role: Role, deviceTtlMs: number | null): Promise<Outcome<Offer>> =>
  answered(() => client.call("farhelm/pair/offer", { role, deviceTtlMs }));

/** Null when it was done. */
export const decidePairing = (
  verb: "confirm" | "refuse" | "cancel",
  id: string,
): Promise<string | null> =>
  failure(async () => {
    const { done } = await client.call(`farhelm/pair/${verb}`, { id }, { retry: true });
    return done ? null : "It was too late: somebody decided already, or the time was over.";
  });

export const revokeDevice = (id: string): Promise<string | null> =>
  failure(async () => {
    const { revoked } = await client.call("farhelm/devices/revoke", { id }, { retry: true });
    return revoked ? null : "It had no access any more.";
  });

async function answered<T extends object>(call: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return await call();
  } catch (error) {
    return { error: sentence(error) };
  }
}

async function failure(call: () => Promise<string | null>): Promise<string | null> {
  try {
    return await call();
  } catch (error) {
    return sentence(error);
  }
}

const sentence = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
