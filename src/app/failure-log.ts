import type { LineLog } from "../util/line-log.ts";

/** What went wrong while nobody waited for it. */
export interface FailureLog {
  error(fields: object, event: string): void;
  warn(fields: object, event: string): void;
}

export const failureLog = (log: LineLog): FailureLog => ({
  error: (fields, event) => log.error(event, fields),
  warn: (fields, event) => log.warn(event, fields),
});
