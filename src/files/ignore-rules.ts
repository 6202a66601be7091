/** Which files of a tree its ignore files leave out: .ignore, .gitignore and .git/info/exclude of every folder. */
import { lstat, open } from "node:fs/promises";
import { constants } from "node:fs";
import { dirname, join, relative } from "node:path";
import { type IgnorePattern, ignorePattern } from "./ignore-pattern.ts";

/** More of an ignore file is not read. */
const maxFileBytes = 1024 * 1024;
const maxPatterns = 10_000;

type Verdict = "ignored" | "kept" | undefined;

/** From the first to the last kind that has a word: .ignore goes before what git knows. */
const kinds = [
  { key: "plain", file: ".ignore", isGits: false },
  { key: "git", file: ".gitignore", isGits: true },
  { key: "exclude", file: ".git/info/exclude", isGits: true },
] as const;

type Kind = (typeof kinds)[number]["key"];

/** The rules of one folder, on top of those of the folders above it. */
export class IgnoreRules {
  readonly #folder: string;
  readonly #above: IgnoreRules | undefined;
  /** The last line first: the last one that matches counts. */
  readonly #patterns: Readonly<Record<Kind, readonly IgnorePattern[]>>;
  readonly #isRepository: boolean;
  readonly #isInRepository: boolean;

  private constructor(
    folder: string,
    above: IgnoreRules | undefined,
    patterns: Readonly<Record<Kind, readonly IgnorePattern[]>>,
    isRepository: boolean,
  ) {
    this.#folder = folder;
    this.#above = above;
    this.#patterns = patterns;
    this.#isRepository = isRepository;
    this.#isInRepository = isRepository || (above !== undefined && above.#isInRepository);
  }

  /** For a folder with all that is above it. */
  static async upTo(folder: string): Promise<IgnoreRules> {
    const parent = dirname(folder);
    const above = parent === folder ? undefined : await IgnoreRules.upTo(parent);
    return IgnoreRules.read(folder, above);
  }

  /** `names`: what is in the folder, where that is known. */
  static async read(
    folder: string,
    above: IgnoreRules | undefined,
    names?: ReadonlySet<string>,
  ): Promise<IgnoreRules> {
    const has = (name: string): boolean => names?.has(name) ?? true;
    const isRepository = has(".git") && (await exists(join(folder, ".git")));
    const [plain, git, exclude] = await Promise.all([
      has(".ignore") ? patternsIn(join(folder, ".ignore")) : [],
      has(".gitignore") ? patternsIn(join(folder, ".gitignore")) : [],
      isRepository ? patternsIn(join(folder, ".git/info/exclude")) : [],
    ]);
    if (above && !isRepository && plain.length + git.length + exclude.length === 0) return above;
    return new IgnoreRules(folder, above, { plain, git, exclude }, isRepository);
  }

  ignores(path: string, name: string, isFolder: boolean): boolean {
    for (const { key, isGits } of kinds) {
      if (isGits && !this.#isInRepository) continue;
      const verdict = this.#verdict(key, isGits, path, name, isFolder);
      if (verdict) return verdict === "ignored";
    }
    return false;
  }

  /** The nearest folder that has a word decides; of git's, up to where the repository begins. */
  #verdict(kind: Kind, isGits: boolean, path: string, name: string, isFolder: boolean): Verdict {
    const patterns = this.#patterns[kind];
    if (patterns.length > 0) {
      const within = relativeTo(this.#folder, path);
      const found = patterns.find(
        (pattern) => (isFolder || !pattern.foldersOnly) && pattern.matches(within, name),
      );
      if (found) return found.isNegated ? "kept" : "ignored";
    }
    if (!this.#above || (isGits && this.#isRepository)) return undefined;
    return this.#above.#verdict(kind, isGits, path, name, isFolder);
  }
}

const relativeTo = (folder: string, path: string): string =>
  path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : relative(folder, path);

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}

/** A file that cannot be read has no rules. */
async function patternsIn(path: string): Promise<readonly IgnorePattern[]> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { size } = await file.stat();
      const buffer = Buffer.alloc(Math.min(size, maxFileBytes));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
      return buffer
        .toString("utf8", 0, bytesRead)
        .split("\n", maxPatterns)
        .flatMap((line) => ignorePattern(line) ?? [])
        .toReversed();
    } finally {
      await file.close();
    }
  } catch {
    return [];
  }
}
