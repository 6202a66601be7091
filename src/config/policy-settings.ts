/** `[policy]` of farhelm.toml: what operators get of what would be an admin's. */
import { z } from "zod";
import type { HostPolicy } from "../protocol/host-policy.ts";

export const Policy = z
  .strictObject({
    operator_commands: z.enum(["none", "confined", "all"]).default("confined"),
    operator_files: z.boolean().default(true),
  })
  .transform(
    ({ operator_commands: operatorCommands, operator_files: operatorFiles }): HostPolicy => ({
      operatorCommands,
      operatorFiles,
    }),
  );
