import { z } from "zod";
import { method } from "../dispatch/define.ts";
import type { ModelListing } from "../model/port.ts";
import { invalidRequest } from "../protocol/errors.ts";
import { ReasoningEffort } from "../protocol/settings.ts";
import { PageLimit } from "./page-params.ts";

const Model = z.looseObject({
  id: z.string(),
  model: z.string(),
  displayName: z.string(),
  description: z.string(),
  hidden: z.boolean(),
  isDefault: z.boolean(),
  supportedReasoningEfforts: z.array(
    z.object({ reasoningEffort: ReasoningEffort, description: z.string() }),
  ),
  defaultReasoningEffort: ReasoningEffort,
  inputModalities: z.array(z.enum(["text", "image"])),
  supportsPersonality: z.boolean(),
  /** The provider to name beside the model in thread/start; null: the configured one. Farhelm's own member. */
  modelProvider: z.string().nullable(),
});

/** Members that this host has no use for, sent as clients expect them. */
const unused = {
  upgrade: null,
  upgradeInfo: null,
  availabilityNux: null,
  modelSpecialty: null,
  multiAgentVersion: null,
  defaultServiceTier: null,
  availableAccessPrograms: null,
  supportsPersonality: false,
};

export const modelList = method({
  name: "model/list",
  stability: "stable",
  role: "viewer",
  reach: "open",
  params: z.looseObject({
    cursor: z.string().nullish(),
    limit: PageLimit,
    includeHidden: z.boolean().nullish(),
  }),
  result: z.object({ data: z.array(Model), nextCursor: z.string().nullable() }),
  async handle({ models }, { includeHidden, cursor, limit }) {
    const listed = (await models.list()).filter(({ hidden }) => includeHidden || !hidden);
    const start = offsetOf(cursor, listed.length);
    const end = Math.min(start + Math.max(limit ?? listed.length, 1), listed.length);
    return {
      data: listed.slice(start, end).map(shown),
      nextCursor: end < listed.length ? String(end) : null,
    };
  },
});

function shown(listing: ModelListing): z.output<typeof Model> {
  return {
    ...unused,
    id: listing.id,
    model: listing.id,
    modelProvider: listing.modelProvider ?? null,
    displayName: listing.displayName,
    description: listing.description,
    hidden: listing.hidden,
    isDefault: listing.isDefault,
    supportedReasoningEfforts: listing.efforts.map(({ effort, description }) => ({
      reasoningEffort: effort,
      description,
    })),
    defaultReasoningEffort: listing.defaultEffort,
    inputModalities: [...listing.inputModalities],
    additionalSpeedTiers: [],
    serviceTiers: [],
  };
}

/** A cursor counts the models before the page. */
function offsetOf(cursor: string | null | undefined, total: number): number {
  if (cursor === null || cursor === undefined) return 0;
  if (!/^\d{1,9}$/.test(cursor)) throw invalidRequest(`invalid cursor: ${cursor}`);
  const offset = Number(cursor);
  if (offset > total) throw invalidRequest(`cursor ${cursor} exceeds total models ${total}`);
  return offset;
}
