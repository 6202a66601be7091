import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../..");

export interface TreeFile {
  /** Relative to the clone. */
  readonly path: string;
  readonly text: string;
}

const written = /\.(?:tsx?|mjs|css|html)$/;

/** Everything in the clone's code folders that people write. */
export const tree = (): readonly TreeFile[] =>
  ["src", "test", "scripts"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .map((file) => join(folder, file))
      .filter((path) => written.test(path))
      .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") })),
  );

interface Rule {
  readonly name: string;
  /** The lines (from 1) that break it. */
  readonly find: (text: string) => readonly number[];
}

const linesWith =
  (pattern: RegExp, except?: RegExp) =>
  (text: string): readonly number[] =>
    text
      .split("\n")
      .flatMap((line, index) => (pattern.test(line) && !except?.test(line) ? [index + 1] : []));

/** A test may depend on something that is absent when its file says so aloud: `needs …` in a title, or a line on the console. */
const quietSkips = (text: string): readonly number[] =>
  /\bneeds\b|skipped|vectors\.ts/i.test(text) ? [] : linesWith(/\.(?:skipIf|runIf)\(/)(text);

/** Named in pieces so that this file does not break its own rules. */
const mark = (...pieces: readonly string[]): string => pieces.join("");

const switchedOff = new RegExp(
  `${mark("ts-", "(?:ignore|nocheck|expect-error)")}|${mark("(?:ox|es)lint", "-disable")}`,
);

/** The reason stands behind ` -- `, or in a comment on the line before. */
function silentSwitches(text: string): readonly number[] {
  const lines = text.split("\n");
  return linesWith(
    switchedOff,
    / -- \w/,
  )(text).filter((number) => !/^\s*(?:\/\/|\*|\/\*)/.test(lines[number - 2] ?? ""));
}

export const rules: readonly Rule[] = [
  {
    name: "longer than 400 lines",
    find: (text) => (text.split("\n").length > 400 ? [text.split("\n").length] : []),
  },
  {
    name: "a note to do something later",
    find: linesWith(
      new RegExp(`\\b(?:${mark("TO", "DO")}|${mark("FIX", "ME")}|${mark("X", "XX")})\\b`),
    ),
  },
  {
    name: "code in a comment",
    find: linesWith(
      /^\s*\/\/\s*(?:(?:const|let|import|export|return|await|if|for)\b.*[;{]|[\w.]+\(.*\);|[}\])]+;?)\s*$/,
    ),
  },
  {
    name: "a path of one machine",
    find: linesWith(
      new RegExp(`(?<![\\w.:*])/(?:${mark("ro", "ot")}|${mark("wo", "rk")}|Users)/[\\w.]`),
    ),
  },
  {
    name: "a test left alone or switched off",
    find: linesWith(/\b(?:test|it|describe)\.(?:only|skip|todo)\b/),
  },
  { name: "a conditional test that does not say what it needs", find: quietSkips },
  {
    name: "a check switched off without a reason",
    find: silentSwitches,
  },
];

export const faultsIn = ({ path, text }: TreeFile): string[] =>
  rules.flatMap(({ name, find }) => find(text).map((line) => `${path}:${line} ${name}`));
