/** The text of a macOS sandbox (sandbox-exec -p). Later rules win over earlier ones, so outer folders come first. */
import { dirname } from "node:path";
import { isInside, protectedNames, type PathRule } from "../../permissions/path-access.ts";
import { unreachable } from "../../util/unreachable.ts";
import { SandboxError } from "./port.ts";

export interface SeatbeltRequest {
  /** Real paths; the strongest of two for one place alone. */
  readonly rules: readonly PathRule[];
  /** Absolute. Matches are denied however deep they lie. */
  readonly deniedGlobs: readonly string[];
  /** Real paths that no command sees, whatever the rules say. */
  readonly hidden: readonly string[];
  /** The repositories that are there, right in a writable folder; a new one may be made. */
  readonly repositories: readonly string[];
  readonly network: boolean;
}

/** What programs need that is no file of the user's. */
const ground = `(version 1)
(deny default)
(allow process-exec)
(allow process-fork)
(allow process-info* (target same-sandbox))
(allow signal (target same-sandbox))
(allow sysctl-read)
(allow ipc-posix-sem)
(allow pseudo-tty)
(allow mach-lookup (global-name "com.apple.system.opendirectoryd.libinfo"))
(allow mach-lookup (global-name "com.apple.system.logger"))
(allow mach-lookup (global-name "com.apple.PowerManagement.control"))
(allow file-read* file-write-data file-ioctl (literal "/dev/null") (literal "/dev/zero") (literal "/dev/tty") (literal "/dev/ptmx") (regex #"^/dev/ttys[0-9]+$"))
(allow file-read* (literal "/") (literal "/dev/random") (literal "/dev/urandom"))`;

/** The network without the sockets of this machine's own services. */
const network = `(allow network*)
(allow system-socket (require-all (socket-domain AF_INET)) (require-all (socket-domain AF_INET6)))
(allow mach-lookup (global-name "com.apple.dnssd.service") (global-name "com.apple.trustd.agent") (global-name "com.apple.SystemConfiguration.configd"))
(deny network* (remote unix-socket))`;

const everything = "file-read* file-write*";

/** Throws `SandboxError` for a pattern that it cannot say. */
export function seatbeltProfile(request: SeatbeltRequest): string {
  const rules = request.rules.toSorted(
    (one, other) => one.path.length - other.path.length || (one.path < other.path ? -1 : 1),
  );
  const writable = rules.filter(({ path, access }) => access === "write" && path !== "/");
  return [
    ground,
    ...(request.network ? [network] : []),
    ...rules.map(ruleText),
    ...writable.flatMap(({ path }) => protectionText(path, rules)),
    ...request.repositories.map((path) => `(deny file-write* ${subpath(path)})`),
    ...request.deniedGlobs.map((glob) => `(deny ${everything} ${matching(globRegex(glob))})`),
    ...pinText(request, writable),
    ...request.hidden.map((path) => `(deny ${everything} ${subpath(path)})`),
    "",
  ].join("\n");
}

function ruleText({ path, access }: PathRule): string {
  switch (access) {
    case "read":
      return `(allow file-read* ${subpath(path)})\n(deny file-write* ${subpath(path)})`;
    case "write":
      return `(allow ${everything} ${subpath(path)})`;
    case "none":
      return `(deny ${everything} ${subpath(path)})`;
    default:
      return unreachable(access);
  }
}

/** A repository can be made where there is none. */
const settingsNames = protectedNames.filter((name) => name !== ".git");

/** The names that decide what other programs do stay as they are, wherever in the folder; a rule may say otherwise. */
function protectionText(root: string, rules: readonly PathRule[]): readonly string[] {
  const start = `^${escaped(root)}/(.*/)?`;
  return settingsNames.flatMap((name) => [
    `(deny file-write* ${matching(`${start}${escaped(name)}(/.*)?$`)})`,
    ...rules
      .filter(({ path, access }) => access === "write" && path.includes(`/${name}`))
      .map(({ path }) => `(allow file-write* ${subpath(path)})`),
  ]);
}

/** A folder is not moved away with what is kept in it. */
function pinText(
  { rules, hidden, repositories }: SeatbeltRequest,
  writable: readonly PathRule[],
): readonly string[] {
  const kept = [...rules.map(({ path }) => path), ...hidden, ...repositories];
  const pins = new Set<string>();
  for (const path of kept) {
    for (let at = dirname(path); at !== dirname(at); at = dirname(at))
      if (writable.some((root) => isInside(root.path, at))) pins.add(at);
  }
  return [...pins].map((path) => `(deny file-write-unlink (literal ${quoted(path)}))`);
}

const quoted = (text: string): string =>
  `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
const subpath = (path: string): string => `(subpath ${quoted(path)})`;
const matching = (regex: string): string => `(regex #"${regex.replaceAll('"', '\\"')}")`;
const escaped = (text: string): string => text.replaceAll(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`);

const globPart = /\*\*\/|\*\*|\*|\?|\{[^{}]*\}|\[[^\]]+\]|\\.|[!@+?*]\(|[^]/gu;

/** What the pattern matches, and what lies below it. */
function globRegex(glob: string): string {
  const parts = glob.match(globPart) ?? [];
  return `^${parts.map((part) => partRegex(part, glob)).join("")}(/.*)?$`;
}

function partRegex(part: string, glob: string): string {
  if (part === "**/") return "(.*/)?";
  if (part === "**") return ".*";
  if (part === "*") return "[^/]*";
  if (part === "?") return "[^/]";
  if (part.length > 1 && part.startsWith("["))
    return part.startsWith("[!") ? `[^${part.slice(2)}` : part;
  if (part.length > 1 && part.startsWith("{"))
    return `(${part.slice(1, -1).split(",").map(escaped).join("|")})`;
  if (part.length > 1 && part.startsWith("\\")) return escaped(part.slice(1));
  if (part.length > 1)
    throw new SandboxError(
      `the pattern ${glob} cannot be said to this machine's sandbox: use * ** ? [] and {} alone`,
    );
  return escaped(part);
}
