/** Signals to a whole process group. A command leads a group of its own, so its children are reached with it. */
import { setTimeout as delay } from "node:timers/promises";

/** How long a group may take to end after it was asked to. */
const graceMs = 2_000;
const pollMs = 25;

/** Whether any process of the group is left. */
export function isGroupAlive(groupId: number): boolean {
  return signalGroup(groupId, 0);
}

/** False: there is no such group any more. */
export function signalGroup(groupId: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-groupId, signal);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Asks the group to end, and ends it by force after two seconds. Resolves when it is gone or was forced. */
export async function endGroup(groupId: number): Promise<void> {
  if (!signalGroup(groupId, "SIGTERM")) return;
  const deadline = performance.now() + graceMs;
  while (performance.now() < deadline) {
    await delay(pollMs);
    if (!isGroupAlive(groupId)) return;
  }
  signalGroup(groupId, "SIGKILL");
}
