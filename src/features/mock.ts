import { z } from "zod";
import { method } from "../dispatch/define.ts";

/** Does nothing but echo: with it clients test that experimental methods are gated. */
export const mockExperimentalMethod = method({
  name: "mock/experimentalMethod",
  stability: "experimental",
  role: "viewer",
  reach: "open",
  params: z.looseObject({ value: z.string().nullish() }),
  result: z.object({ echoed: z.string().nullable() }),
  handle: (_context, { value }) => ({ echoed: value ?? null }),
});
