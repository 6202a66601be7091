/** What people said of hosts in a thread. It lasts as long as the thread is loaded. */
import { type NetworkRules, withHost } from "../permissions/network-rules.ts";
import type { HostQuestion } from "../tools/port.ts";

/** Nobody answers so many; past it an answer is for one command. */
const maxKept = 1_000;

export const questionKey = ({ host, port, protocol }: HostQuestion): string =>
  `${protocol}://${host}:${port}`;

export class NetworkAnswers {
  readonly #accepted = new Set<string>();
  readonly #hosts = new Map<string, "allow" | "deny">();

  /** The rules with what was said of whole hosts. */
  over(rules: NetworkRules): NetworkRules {
    let all = rules;
    for (const [host, action] of this.#hosts) all = withHost(all, host, action);
    return all;
  }

  isAccepted(question: HostQuestion): boolean {
    return this.#accepted.has(questionKey(question));
  }

  /** This port, in this way, without asking again. */
  accept(question: HostQuestion): void {
    if (this.#accepted.size < maxKept) this.#accepted.add(questionKey(question));
  }

  /** The last word on a host counts. */
  settle(host: string, action: "allow" | "deny"): void {
    if (this.#hosts.size < maxKept || this.#hosts.has(host)) this.#hosts.set(host, action);
  }
}
