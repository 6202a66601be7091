import type { Log, LogFacts } from "../../src/transport/log.ts";

/** Keeps all lines, so that a test can look for what must be there and for what must not. */
export class MemoryLog implements Log {
  readonly lines: { readonly level: string; readonly event: string; readonly facts: LogFacts }[] =
    [];

  info(event: string, facts: LogFacts): void {
    this.lines.push({ level: "info", event, facts });
  }

  warn(event: string, facts: LogFacts): void {
    this.lines.push({ level: "warn", event, facts });
  }

  error(event: string, facts: LogFacts): void {
    this.lines.push({ level: "error", event, facts });
  }

  get text(): string {
    return JSON.stringify(this.lines);
  }
}
