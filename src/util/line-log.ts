/** One JSON object per line. Callers keep tokens, keys, signatures and prompts out of it. */
export interface LineLog {
  info(event: string, facts: object): void;
  warn(event: string, facts: object): void;
  error(event: string, facts: object): void;
}

/** `verbose` lets `info` through. */
export function createLineLog(stream: NodeJS.WritableStream, verbose: boolean): LineLog {
  const write =
    (level: string) =>
    (event: string, facts: object): void => {
      const line = { time: new Date().toISOString(), level, event, ...described(facts) };
      stream.write(`${JSON.stringify(line)}\n`);
    };
  return { info: verbose ? write("info") : () => {}, warn: write("warn"), error: write("error") };
}

/** Errors as text; everything else as it is. */
const described = (facts: object): object =>
  Object.fromEntries(
    Object.entries(facts).map(([key, value]: [string, unknown]) => [
      key,
      value instanceof Error ? (value.stack ?? value.message) : value,
    ]),
  );
