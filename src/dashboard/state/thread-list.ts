/** The list of threads: order, search, and what stands on the badge. */
import type { Thread } from "../../protocol/thread.ts";

export type Badge = "running" | "waiting" | "error" | "idle";

export const badgeOf = ({ status }: Thread): Badge => {
  if (status.type === "systemError") return "error";
  if (status.type !== "active") return "idle";
  return status.activeFlags.length > 0 ? "waiting" : "running";
};

export const badgeText: Record<Badge, string> = {
  running: "Running",
  waiting: "Waiting for approval",
  error: "Error",
  idle: "Idle",
};

const rank: Record<Badge, number> = { waiting: 0, running: 1, error: 2, idle: 2 };

/** Those that wait for someone first, then those at work, then by the last change. */
export function listedThreads(threads: ReadonlyMap<string, Thread>, search: string): Thread[] {
  const wanted = search.trim().toLowerCase();
  const matches = (thread: Thread): boolean =>
    `${titleOf(thread)}\n${thread.preview}\n${thread.cwd}`.toLowerCase().includes(wanted);
  return [...threads.values()]
    .filter((thread) => wanted === "" || matches(thread))
    .toSorted((a, b) => rank[badgeOf(a)] - rank[badgeOf(b)] || b.updatedAt - a.updatedAt);
}

export const waitingCount = (threads: ReadonlyMap<string, Thread>): number =>
  [...threads.values()].filter((thread) => badgeOf(thread) === "waiting").length;

export const titleOf = ({ name, preview }: Thread): string =>
  name ?? ((preview.trim().split("\n")[0] ?? "").replaceAll("`", "") || "New thread");

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

/** How long ago, short: `now`, `5 min`, `3 h`, `2 d`, then the date. Times in Unix seconds. */
export function ageText(at: number, now: number): string {
  const age = Math.max(0, now - at);
  if (age < minute) return "now";
  if (age < hour) return `${Math.floor(age / minute)} min`;
  if (age < day) return `${Math.floor(age / hour)} h`;
  if (age < 14 * day) return `${Math.floor(age / day)} d`;
  return new Date(at * 1000).toLocaleDateString();
}

/** The last folders that were worked in, newest first. */
export const recentFolders = (threads: ReadonlyMap<string, Thread>): string[] => {
  const sorted = [...threads.values()].toSorted((a, b) => b.updatedAt - a.updatedAt);
  return [...new Set(sorted.map(({ cwd }) => cwd))].slice(0, 5);
};
