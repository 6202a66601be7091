import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { parseSync } from "oxc-parser";

export interface Import {
  readonly specifier: string;
  /** Gone after compiling: `import type`, `export type … from`. */
  readonly typeOnly: boolean;
}

/** Every import, re-export and literal `import()` of a file. Throws when the file does not parse or imports something computed. */
export function importsIn(file: string, source: string): Import[] {
  const { module, errors } = parseSync(file, source);
  if (errors[0]) throw new Error(`${file}: ${errors[0].message}`);
  return [
    ...module.staticImports.map(({ moduleRequest, entries }) => ({
      specifier: moduleRequest.value,
      typeOnly: entries.length > 0 && entries.every((entry) => entry.isType),
    })),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest, isType }) =>
        moduleRequest ? { specifier: moduleRequest.value, typeOnly: isType } : [],
      ),
    ),
    ...module.dynamicImports.map(({ moduleRequest }) => {
      const text = source.slice(moduleRequest.start, moduleRequest.end);
      const literal = /^(["'])(?<path>[^"'\\]+)\1$/.exec(text)?.groups?.["path"];
      if (literal === undefined) throw new Error(`${file}: import(${text}) is not a literal`);
      return { specifier: literal, typeOnly: false };
    }),
  ];
}

export interface Rules {
  readonly layers: Readonly<Record<string, readonly string[]>>;
  readonly ground: readonly string[];
  readonly homes: Readonly<Record<string, readonly string[]>>;
  readonly typesAnywhere: readonly string[];
}

/** What is wrong with `file` importing so, or undefined. `file` is relative to src. */
export function fault(rules: Rules, file: string, found: Import): string | undefined {
  const from = roomOf(file);
  const row = rules.layers[from];
  if (!row) return `${file}: no room named ${from}`;
  const { specifier } = found;
  if (!specifier.startsWith(".")) {
    const homes = homesOf(rules, found);
    return homes === undefined || homes.includes(from)
      ? undefined
      : `${file}: only ${homes.join(", ")} may import ${specifier}`;
  }
  const target = normalize(join(dirname(file), specifier)).replace(/\.tsx?$/, "");
  if (target.startsWith("..")) return `${file}: ${specifier} is outside src`;
  const onGround = rules.ground.includes(roomOf(target)) && !rules.ground.includes(from);
  return onGround || roomOf(target) === from || listed(row, target, found.typeOnly)
    ? undefined
    : `${file}: ${from} may not import ${target}`;
}

function homesOf(rules: Rules, { specifier, typeOnly }: Import): readonly string[] | undefined {
  const name = packageOf(specifier);
  return typeOnly && rules.typesAnywhere.includes(name) ? undefined : rules.homes[name];
}

function listed(row: readonly string[], target: string, typeOnly: boolean): boolean {
  const room = roomOf(target);
  const names = ["*", room, target];
  if (/\/(?:[\w-]+-)?port$/.test(target)) names.push("any/port");
  if (typeOnly) names.push(`${room}:types`);
  return names.some((name) => row.includes(name));
}

const roomOf = (path: string): string => path.split("/")[0]?.replace(/\.ts$/, "") ?? "";

const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

export interface SourceFile {
  /** Relative to the folder that was read. */
  readonly file: string;
  readonly source: string;
}

/** The TypeScript files under a folder. */
export const sources = (folder: string): SourceFile[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => ({ file, source: readFileSync(join(folder, file), "utf8") }));
