/** Where transport writes its few lines: the start, requests, refusals, failures. Never one per message. */
export type LogFacts = Readonly<Record<string, string | number | boolean>>;

export interface Log {
  info(event: string, facts: LogFacts): void;
  warn(event: string, facts: LogFacts): void;
  error(event: string, facts: LogFacts): void;
}

/** What may be logged of an unexpected error: its kind and place. Its message may quote a secret. */
export function errorFacts(error: unknown): LogFacts {
  if (!(error instanceof Error)) return { kind: typeof error };
  const frames = (error.stack ?? "").split("\n").filter((line) => line.startsWith("    at "));
  return { kind: error.name, at: frames.slice(0, 3).join(" <").replaceAll("    at ", " ").trim() };
}
