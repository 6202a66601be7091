import { z } from "zod";
import { method } from "../dispatch/define.ts";

/** Where the host's audit log ends, signed. Devices keep it, so that a cut or rewritten log is found out. */
export const auditHead = method({
  name: "farhelm/audit/head",
  stability: "experimental",
  role: "viewer",
  params: z.looseObject({}),
  result: z.object({
    sequence: z.int(),
    /** SHA-256 of the log's last line, base64url. */
    hash: z.string(),
    /** A compact JWS over the two, of type `farhelm-audit-head+jws`. */
    head: z.string(),
    /** The key that signed it, as a JWK. */
    publicKey: z.object({
      kty: z.literal("EC"),
      crv: z.literal("P-256"),
      x: z.string(),
      y: z.string(),
      kid: z.string(),
      alg: z.literal("ES256"),
      use: z.literal("sig"),
    }),
  }),
  handle: ({ auditHeads }) => auditHeads.head(),
});
