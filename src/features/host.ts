import { z } from "zod";
import { method } from "../dispatch/define.ts";

/** What a dashboard shows of the host; Farhelm's own. */
export const hostRead = method({
  name: "farhelm/host/read",
  stability: "experimental",
  role: "viewer",
  reach: "open",
  params: z.looseObject({}),
  result: z.object({
    /** The machine's name. */
    serverName: z.string(),
    /** Where a thread works whose client names no folder. */
    defaultCwd: z.string(),
    /** Of the Farhelm that runs, which need not be the one that is installed now. */
    version: z.string(),
  }),
  handle: ({ host: { serverName, defaultCwd, version } }) => ({ serverName, defaultCwd, version }),
});
