/** What a person chooses for turns to come beside model, folder and permissions. */
export interface TurnChoices {
  /** How quickly the endpoint serves, by its own name for it, as it was asked for; null: nobody asked. */
  readonly serviceTier: string | null;
  /** Kept for clients that show it; it has no effect. */
  readonly personality: string | null;
  /** As `personality`: this host has no plugins. */
  readonly disabledPluginIds: readonly string[];
  /** `plan`: the agent talks a plan over and changes nothing. */
  readonly mode: "default" | "plan";
  /** What the model is told of the mode; null: nobody ever chose one. */
  readonly modeInstructions: string | null;
}

export const noChoices: TurnChoices = {
  serviceTier: null,
  personality: null,
  disabledPluginIds: [],
  mode: "default",
  modeInstructions: null,
};

/** Of the tiers that can be asked for, those that any endpoint of this kind knows; others read as none. */
export function tierShown(choices: TurnChoices | undefined): "flex" | "default" | null {
  const tier = choices?.serviceTier;
  return tier === "flex" || tier === "default" ? tier : null;
}
