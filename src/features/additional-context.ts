import { z } from "zod";
import { invalidRequest } from "../protocol/errors.ts";
import type { ContextEntry } from "../threads/port.ts";

/** What a client lets the model know beside a person's words, by its own names for the sources. */
export const AdditionalContext = z.record(
  z.string(),
  z.looseObject({
    value: z.string(),
    kind: z.enum(["untrusted", "application"]),
    /** How the model sees an untrusted one named. */
    name: z.string().nullish(),
  }),
);

const nameForm = /^[a-z][a-z0-9_]{0,63}$/;

export function contextOf(
  context: z.output<typeof AdditionalContext> | null | undefined,
): readonly ContextEntry[] {
  return Object.entries(context ?? {}).map(([key, { value, kind, name = null }]) => {
    if (name !== null && kind !== "untrusted") {
      throw invalidRequest("additional context name is only supported for untrusted context");
    }
    if (name !== null && !nameForm.test(name)) {
      throw invalidRequest("additional context name must match [a-z][a-z0-9_]{0,63}");
    }
    return { key, value, kind, name };
  });
}
