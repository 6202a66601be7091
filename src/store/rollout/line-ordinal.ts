const ordinal = /^\{"timestamp":"[^"]*","ordinal":(?<value>\d+),/;

/** The place of a line in the thread, where its form counts them. */
export function ordinalOf(line: string): number | undefined {
  const value = ordinal.exec(line)?.groups?.["value"];
  return value === undefined ? undefined : Number(value);
}
