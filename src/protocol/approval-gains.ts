import { z } from "zod";

/**
 * The member `gains` of a server request, beside its params: what an approval would allow that is not allowed now. Paths are absolute and real: links
 * are followed, and each stands for everything below it.
 */
export const ApprovalGains = z.object({
  /**
   * `kept`: what runs stays inside of the sandbox, with the other members on top; `left`: it runs outside; `none`:
   * nothing confines this thread anyway; `external`: somebody else does.
   */
  sandbox: z.enum(["kept", "left", "none", "external"]),
  /** The network, which is closed now. */
  network: z.boolean(),
  /** The network is behind a proxy: it is open as far as its rules let it be. */
  proxied: z.boolean(),
  /** What a command that runs wants to reach, as `protocol://host:port`. */
  hosts: z.array(z.string()),
  read: z.array(z.string()),
  write: z.array(z.string()),
});
export type ApprovalGains = z.infer<typeof ApprovalGains>;
