/** A pairing as admins see it. It holds no secret. */
import { z } from "zod";
import { Role } from "./principal.ts";

export const Pairing = z.object({
  id: z.string(),
  /**
   * `offered`: nobody came yet. `locked`: nobody came, and the code is dead; the link goes on.
   * `redeemed`: a device came. `proved`: it has shown its key and waits to be confirmed. `confirmed`:
   * it may fetch its token. The others are ends.
   */
  phase: z.enum([
    "offered",
    "locked",
    "redeemed",
    "proved",
    "confirmed",
    "enrolled",
    "expired",
    "refused",
  ]),
  role: Role,
  /** How long the new device's access will last; null: until it is revoked. */
  deviceTtlMs: z.number().nullable(),
  /** When the phase ends by itself; of an end, when it came. Unix milliseconds. */
  expiresAtMs: z.number(),
  /** Why it was refused. */
  because: z.enum(["proof", "declined", "cancelled"]).nullable(),
  /** The device that it became. */
  deviceId: z.string().nullable(),
  /** The device that came. */
  request: z
    .object({
      deviceName: z.string(),
      address: z.string(),
      way: z.enum(["link", "code"]),
      /** As in `farhelm/devices/list`; null before the key was proved, as are the words. */
      fingerprint: z.string().nullable(),
      /** What the new device shows, too, when nobody stands between it and the host. */
      words: z.array(z.string()).nullable(),
    })
    .nullable(),
});
export type Pairing = z.infer<typeof Pairing>;
