/** The words by which lists choose threads by the program, or the agent, that began them. */
import { z } from "zod";
import type { SessionSource } from "./thread.ts";

const programs: ReadonlySet<string> = new Set(["cli", "vscode", "exec", "appServer"]);
const subAgents: ReadonlyMap<string, string> = new Map([
  ["review", "subAgentReview"],
  ["compact", "subAgentCompact"],
  ["thread_spawn", "subAgentThreadSpawn"],
  ["other", "subAgentOther"],
]);

/** The word, or the record whose first member is the word. */
const SubAgent = z.union([
  z.string(),
  z.record(z.string(), z.unknown()).transform((record) => Object.keys(record)[0] ?? ""),
]);

/** A program's name, `custom:NAME`, `unknown`, or what kind of sub-agent it was. */
export function sourceKindOf(source: SessionSource): string {
  if (typeof source === "string") return programs.has(source) ? source : "unknown";
  const { subAgent, custom } = source;
  if (typeof custom === "string") return `custom:${custom}`;
  if (subAgent === undefined) return "unknown";
  return subAgents.get(SubAgent.safeParse(subAgent).data ?? "") ?? "subAgent";
}

/** Every kind that a caller's kinds cover: `subAgent` stands for all of its sort. */
export const coveredKinds = (kinds: readonly string[]): readonly string[] =>
  kinds.includes("subAgent") ? [...kinds, ...subAgents.values()] : kinds;

/** What a thread that another one's agent began says of that. */
export interface Spawn {
  readonly parentId: string | null;
  readonly nickname: string | null;
  readonly role: string | null;
}

const word = z.string().nullable().catch(null);
const Spawned = z.object({
  subAgent: z.object({
    thread_spawn: z.object({ parent_thread_id: word, agent_nickname: word, agent_role: word }),
  }),
});

/** Undefined for a thread that no agent began. */
export function spawnOf(source: SessionSource): Spawn | undefined {
  const spawned = typeof source === "string" ? undefined : Spawned.safeParse(source).data;
  if (spawned === undefined) return undefined;
  const spawn = spawned.subAgent.thread_spawn;
  return {
    parentId: spawn.parent_thread_id,
    nickname: spawn.agent_nickname,
    role: spawn.agent_role,
  };
}
