/** The files that patches change: each version of one is told from every other, and from a torn one. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const names = ["a.txt", "b.txt", "deep/c.txt"];
/** About 60 KB: more than one page, more than one write of a pipe. */
const filler = Array.from({ length: 1500 }, (_, line) => `line ${line} of the part between\n`).join(
  "",
);

const textOf = (version: number): string => `version ${version}\n${filler}end ${version}\n`;

export const slotFolder = (slot: string): string => `slot-${slot}`;

export function makeSlot(work: string, slot: string): void {
  const folder = join(work, slotFolder(slot));
  if (existsSync(folder)) return;
  mkdirSync(join(folder, "deep"), { recursive: true });
  for (const name of names) writeFileSync(join(folder, name), textOf(0));
}

/** Takes all of a slot's files to version `to`, and adds one. */
export function patchOf(slot: string, from: number, to: number): string {
  const folder = slotFolder(slot);
  const changes = names.map(
    (name) =>
      `*** Update File: ${folder}/${name}\n@@\n-version ${from}\n+version ${to}\n@@\n-end ${from}\n+end ${to}\n`,
  );
  const added = `*** Add File: ${folder}/new-${to}/added.txt\n+added by ${to}\n`;
  return `*** Begin Patch\n${changes.join("")}${added}*** End Patch\n`;
}

/** The version of each file. Throws where one is none of the whole texts, or lies there unasked. */
export function versionsIn(work: string, slot: string): readonly number[] {
  const folder = join(work, slotFolder(slot));
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name).slice(folder.length + 1);
    if (entry.isDirectory() || names.includes(path)) continue;
    const added = /^new-(\d+)\/added\.txt$/.exec(path)?.[1];
    if (added === undefined) throw new Error(`nobody asked for ${path}`);
    const text = readFileSync(join(folder, path), "utf8");
    if (text !== `added by ${added}\n`) throw new Error(`${path} is torn`);
  }
  return names.map((name) => {
    const text = readFileSync(join(folder, name), "utf8");
    const version = Number(/^version (\d+)$/m.exec(text)?.[1]);
    if (text !== textOf(version)) throw new Error(`${name} of slot ${slot} is torn`);
    return version;
  });
}

/** Makes all files the same version, as somebody would who cleans up after a patch that went half way. */
export function levelSlot(work: string, slot: string): number {
  const version = Math.max(...versionsIn(work, slot));
  for (const name of names) writeFileSync(join(work, slotFolder(slot), name), textOf(version));
  return version;
}
