/** What tests and their runner of confined commands say to each other. */
import { z } from "zod";

export const RunnerSetting = z.object({
  stateFolder: z.string(),
  hidden: z.array(z.string()),
  path: z.string(),
});
export type RunnerSetting = z.infer<typeof RunnerSetting>;

/** What a command may reach through the proxy. */
const Proxied = z.object({
  allowed: z.array(z.string()),
  denied: z.array(z.string()),
  allowsLocal: z.boolean(),
  /** Where names lead; all others lead nowhere. */
  addresses: z.record(z.string(), z.array(z.string())),
  /** What a person says about every host that no rule names. */
  answer: z.enum(["allowed", "declined", "closed"]),
});
export type Proxied = z.infer<typeof Proxied>;

const Request = z.object({
  command: z.array(z.string()),
  cwd: z.string(),
  rules: z.object({
    rules: z.array(z.object({ path: z.string(), access: z.enum(["read", "write", "none"]) })),
    deniedGlobs: z.array(z.string()),
    globScanMaxDepth: z
      .number()
      .optional()
      .transform((depth) => depth),
  }),
  network: z.union([z.boolean(), Proxied]),
  environment: z.record(z.string(), z.string()),
  privateTmp: z
    .boolean()
    .optional()
    .transform((isPrivate) => isPrivate ?? false),
});

/** Without a request or a number to kill: says whether the sandbox works. */
export const RunnerOrder = z.object({
  id: z.number(),
  kill: z.number().optional(),
  request: Request.optional(),
});
export type RunnerOrder = z.infer<typeof RunnerOrder>;

export const RunnerAnswer = z.object({
  id: z.number(),
  out: z.string(),
  err: z.string(),
  code: z.number(),
  confineMs: z.number(),
  /** Why it was not run. */
  refused: z.string().optional(),
});
export type RunnerAnswer = z.infer<typeof RunnerAnswer>;
