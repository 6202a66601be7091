/** What the proxy refused to a command, for the agent: of a refused tunnel most programs show a number and nothing else. */
import type { Target } from "../../permissions/host-address.ts";
import type { NetworkRefusal } from "./refusal.ts";

/** More would hide what the command printed. */
const maxKept = 10;

export class RefusedHosts {
  readonly #known = new Set<string>();
  #fresh: string[] = [];

  add({ message }: NetworkRefusal, target: Target | undefined): void {
    const line = target ? `${target.host}:${target.port}: ${message}` : message;
    if (this.#known.has(line) || this.#known.size >= maxKept) return;
    this.#known.add(line);
    this.#fresh.push(line);
  }

  /** A line for each that was not given before. */
  take(): readonly string[] {
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }
}
