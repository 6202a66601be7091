import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { ReasoningEffort } from "../protocol/settings.ts";

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
    limit: z.int().min(0).nullish(),
    includeHidden: z.boolean().nullish(),
  }),
  result: z.object({ data: z.array(Model), nextCursor: z.string().nullable() }),
  async handle({ models }, { includeHidden }) {
    const listings = await models.list();
    const data = listings
      .filter(({ hidden }) => includeHidden || !hidden)
      .map((listing) => ({
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
      }));
    return { data, nextCursor: null };
  },
});
