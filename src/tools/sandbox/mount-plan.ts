/** What must be mounted where so that the kernel keeps the rules. Looks at the disk and changes nothing. */
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import type { FileSystemAccess } from "../../protocol/permission-profile.ts";
import { isInside, protectedNames, type PathRules } from "../../permissions/path-access.ts";
import { readSmallFile } from "../../util/small-file.ts";
import {
  chain,
  followed,
  kindAt,
  mayChange,
  nearest,
  realRules,
  type SymbolicLink,
} from "./named-rules.ts";
import { nestedNames } from "./nested-names.ts";
import { SandboxError } from "./port.ts";

export interface MountRequest {
  readonly cwd: string;
  readonly rules: PathRules;
  /** Real paths of what the rules' patterns match. */
  readonly denied: readonly string[];
  /** Files and folders that no command sees, whatever the rules say. */
  readonly hidden: readonly string[];
  readonly privateTmp: boolean;
}

export interface Mount {
  /** `fresh`: an empty folder; `hidden`: nothing to be had; `sealed`: an empty folder in which only what is mounted can be had. */
  readonly kind: "read" | "write" | "hidden" | "sealed" | "fresh";
  readonly path: string;
  readonly isFolder: boolean;
  /** Commands may write around it, so that it can be something else a moment later. */
  readonly isBelowWritable: boolean;
}

export interface MountPlan {
  /** Outermost first. Without one for `/`, nothing is there that has no mount. */
  readonly mounts: readonly Mount[];
  /** Links that lead to the mounts. */
  readonly links: readonly SymbolicLink[];
  /** Empty folders that must exist while the command runs: nothing can be made in their place. */
  readonly placeholders: readonly string[];
}

/** So many mounts take a tenth of a second; each costs more than the one before. */
const maxMounts = 600;
/** A folder with the program's logins holds less; a home would hold more, and must stay writable. */
const maxSiblings = 200;
/** A file that names a folder; no path on Linux is longer than half of it. */
const maxNamingBytes = 8_192;
/** These have a file system of their own in every sandbox. */
const ownFileSystems = ["/dev", "/proc"];

/** Throws `SandboxError` where the rules cannot be kept. */
export function planMounts(request: MountRequest): MountPlan {
  const plan = new Plan(request);
  plan.protectNames();
  plan.hide();
  plan.settleMissing();
  plan.pin();
  return plan.result();
}

class Plan {
  readonly #request: MountRequest;
  readonly #access: Map<string, FileSystemAccess>;
  readonly #links: readonly SymbolicLink[];
  readonly #kinds = new Map<string, Mount["kind"]>();
  readonly #placeholders = new Set<string>();

  constructor(request: MountRequest) {
    this.#request = request;
    const { access, links } = realRules(request.rules);
    this.#access = new Map(access);
    this.#links = links;
    if (this.#access.get("/") === "write") this.#access.set("/sys", "read");
    for (const path of request.denied) this.#access.set(path, "none");
    if (request.privateTmp && this.#access.get("/tmp") !== "none") {
      // what the machine's own one would give counts no more
      this.#access.delete("/tmp");
      this.#kinds.set("/tmp", "fresh");
    }
  }

  #given(path: string, isBelow = false): FileSystemAccess {
    const at = nearest(path, this.#access, isBelow);
    return (at !== undefined && this.#access.get(at)) || "none";
  }

  /** The folders that decide what other programs do, in each writable folder and on the way from it to the command's own. */
  protectNames(): void {
    const cwd = followed(this.#request.cwd).real;
    const roots = [...this.#access].filter(([path, given]) => given === "write" && path !== "/");
    const folders = new Set(roots.flatMap(([root]) => [root, ...chain(root, cwd)]));
    for (const folder of folders) {
      if (this.#given(folder) !== "write" || kindAt(folder) !== "folder") continue;
      for (const name of protectedNames) this.#protect(join(folder, name));
    }
    // other programs come and go in the temporary ones, and what is gone again cannot be mounted
    const temporary = new Set(["/tmp", followed(tmpdir()).real]);
    const searched = roots.map(([root]) => root).filter((root) => !temporary.has(root));
    const nested = nestedNames(
      searched.toSorted((one, other) => Number(isInside(other, cwd)) - Number(isInside(one, cwd))),
      (folder) => this.#given(folder) === "write",
    );
    for (const path of nested) this.#protect(path);
  }

  #protect(path: string): void {
    const kind = kindAt(path);
    if (!this.#access.has(path)) {
      if (kind === "link") throw linked(path);
      if (kind !== undefined || basename(path) !== ".git") this.#access.set(path, "read");
    }
    // a rule may name the file, and not where it leads
    const isFileOfGit = kind === "file" && basename(path) === ".git";
    if (isFileOfGit && this.#access.get(path) !== "write") this.#protectRepository(path);
  }

  /** `.git` is a file where the repository lies elsewhere (gitrepository-layout). */
  #protectRepository(file: string): void {
    const folder = namedIn(file, /^gitdir: (?<path>.+)$/m);
    if (folder === undefined) return;
    const common = namedIn(join(folder, "commondir"), /^(?<path>.+)$/m);
    for (const path of [folder, common]) {
      if (path === undefined || this.#given(path) !== "write" || this.#access.has(path)) continue;
      if (kindAt(path) !== undefined) this.#access.set(path, "read");
    }
  }

  /** A file that is written anew takes the mask that lay on it away; so its whole folder is shown without it. */
  hide(): void {
    for (const named of this.#request.hidden) {
      const path = followed(named).real;
      if (kindAt(path) === "folder") this.#hideFolder(path);
      else this.#hideFile(path);
    }
  }

  #hideFolder(path: string): void {
    for (const known of this.#access.keys()) if (isInside(path, known)) this.#access.delete(known);
    this.#access.set(path, "none");
    this.#kinds.set(path, "hidden");
  }

  #hideFile(path: string): void {
    const folder = dirname(path);
    const names = namesIn(folder);
    if (names === undefined) return;
    if (names.length > maxSiblings) {
      throw new SandboxError(
        `${folder} holds logins among ${names.length} other entries, so they cannot be kept from commands: give CODEX_HOME a folder of its own`,
      );
    }
    this.#access.delete(path);
    const around = this.#given(folder);
    if (around === "none" && this.#kinds.get(folder) !== "sealed") {
      this.#access.set(folder, "none");
      return;
    }
    this.#access.set(folder, "none");
    this.#kinds.set(folder, "sealed");
    for (const name of names) {
      const sibling = join(folder, name);
      const kind = kindAt(sibling);
      if (sibling === path || (kind !== "folder" && kind !== "file")) continue;
      if (!this.#access.has(sibling)) this.#access.set(sibling, "read");
    }
  }

  /** In a writable place a command could make what is missing, and so decide what the rule is about. */
  settleMissing(): void {
    for (const [path, given] of Array.from(this.#access)) {
      if (kindAt(path) !== undefined) continue;
      this.#access.delete(path);
      if (given === "write" || this.#given(path) !== "write" || basename(path) === ".git") continue;
      const first = firstMissing(path);
      if (!mayChange(dirname(first))) continue;
      this.#access.set(first, given === "none" ? "none" : "read");
      this.#placeholders.add(first);
    }
  }

  /** A folder that something is mounted on cannot be moved away with what lies in it. */
  pin(): void {
    for (const path of this.#access.keys()) {
      const around = nearest(path, this.#access, true);
      if (around === undefined || this.#access.get(around) !== "write") continue;
      for (const folder of chain(around, dirname(path)).slice(1)) this.#access.set(folder, "write");
    }
  }

  result(): MountPlan {
    const points = new Set([...this.#access.keys(), ...this.#kinds.keys()]);
    const mounts = [...points]
      .toSorted((one, other) => depth(one) - depth(other) || (one < other ? -1 : 1))
      .flatMap((path) => this.#mount(path) ?? []);
    if (mounts.length > maxMounts) {
      throw new SandboxError(
        `the permissions come to ${mounts.length} places that are treated by themselves, and ${maxMounts} is the most: deny folders rather than single files`,
      );
    }
    return { mounts, links: this.#links, placeholders: [...this.#placeholders] };
  }

  #mount(path: string): Mount | undefined {
    const facts = {
      path,
      isFolder: this.#placeholders.has(path) || kindAt(path) === "folder",
      isBelowWritable: this.#isBelowWritable(path),
    };
    const given = this.#access.get(path);
    const special = this.#kinds.get(path);
    if (special !== undefined) return { kind: special, ...facts };
    if (given === undefined) return undefined;
    const around = path === "/" ? "none" : this.#given(path, true);
    if (given === "none") {
      if (around === "none") return undefined;
      const isOpen = [...this.#access].some(
        ([inner, access]) => inner !== path && access !== "none" && isInside(path, inner),
      );
      return { kind: isOpen ? "sealed" : "hidden", ...facts };
    }
    if (ownFileSystems.some((own) => isInside(own, path))) return undefined;
    return given === "read" && around === "read" && !this.#isInFresh(path)
      ? undefined
      : { kind: given, ...facts };
  }

  #isBelowWritable(path: string): boolean {
    return [...this.#access].some(
      ([outer, access]) => access === "write" && outer !== path && isInside(outer, path),
    );
  }

  #isInFresh = (path: string): boolean =>
    [...this.#kinds].some(([fresh, kind]) => kind === "fresh" && isInside(fresh, path));
}

const depth = (path: string): number => (path === "/" ? 0 : path.split("/").length);

const linked = (path: string): SandboxError =>
  new SandboxError(
    `${path} is a symbolic link in a folder that commands may write, so it cannot be kept as it is: put a real file or folder in its place`,
  );

function namesIn(folder: string): readonly string[] | undefined {
  try {
    return readdirSync(folder);
  } catch {
    return undefined;
  }
}

function namedIn(file: string, pattern: RegExp): string | undefined {
  try {
    const text = readSmallFile(file, { maxBytes: maxNamingBytes, followsLink: true })?.toString();
    const path = text === undefined ? undefined : pattern.exec(text)?.groups?.["path"]?.trim();
    return path === undefined ? undefined : followed(resolve(dirname(file), path)).real;
  } catch {
    return undefined;
  }
}

function firstMissing(path: string): string {
  let at = path;
  while (at !== "/" && kindAt(dirname(at)) === undefined) at = dirname(at);
  return at;
}
