/** `[policy]` of farhelm.toml: what operators get of what would be an admin's, and which files are open to other machines. */
import { isAbsolute } from "node:path";
import { z } from "zod";
import type { HostPolicy } from "../protocol/host-policy.ts";

export const Policy = z
  .strictObject({
    operator_commands: z.enum(["none", "confined", "all"]).default("confined"),
    operator_files: z.boolean().default(true),
    file_roots: z
      .array(z.string().refine((path) => isAbsolute(path), { error: "a path must be absolute" }))
      .optional(),
  })
  .transform(
    ({
      operator_commands: operatorCommands,
      operator_files: operatorFiles,
      file_roots: fileRoots,
    }): HostPolicy => ({ operatorCommands, operatorFiles, fileRoots }),
  );
