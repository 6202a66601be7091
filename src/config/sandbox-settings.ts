/** `[sandbox]` of farhelm.toml: how commands are confined, whatever their permissions. */
import { z } from "zod";

export const SandboxSettings = z
  .strictObject({
    /** Each command has a `/tmp` of its own. */
    private_tmp: z.boolean().default(false),
  })
  .transform(({ private_tmp: privateTmp }) => ({ privateTmp }));
