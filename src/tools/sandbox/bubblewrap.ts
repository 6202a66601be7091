/** Bubblewrap: the arguments that make a plan true, and the small shell that starts it. */
import { unreachable } from "../../util/unreachable.ts";
import type { Mount, MountPlan } from "./mount-plan.ts";

export interface Launch {
  readonly bwrap: string;
  readonly shell: string;
  /** The file with the filter of system calls. */
  readonly filter: string;
  readonly plan: MountPlan;
  readonly cwd: string;
  readonly network: boolean;
  /** What the command line begins with to run in a network that is there already; else nothing. */
  readonly enter: readonly string[];
  /** Variables that would change what runs before the sandbox stands. */
  readonly inner: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  /** Whether this machine's `env` can set signals back. */
  readonly passesSignals: boolean;
}

/** Nothing of the host stays open but the three streams; then the filter is opened for bubblewrap. */
const launcher = `for f in /proc/$$/fd/*; do
  f=\${f##*/}
  if [ "$f" -gt 2 ]; then eval "exec $f>&-"; fi
done
exec 9<"$1" || exit 126
shift
exec "$@"`;
/** Nothing that the user set up takes part. */
const shellOptions = ["--norc", "--noprofile", "-p", "-c"];
/** Signals are the command's own business: bubblewrap would end at the first, and the command with it. */
const ignoreSignals = "trap '' HUP INT QUIT TERM\n";
/** What is ignored stays so until somebody says otherwise. */
const usualSignals = ["/usr/bin/env", "--default-signal=HUP,INT,QUIT,TERM", "--"];

const namespaces = [
  "--unshare-user",
  "--unshare-pid",
  "--unshare-ipc",
  "--unshare-uts",
  "--unshare-cgroup-try",
  "--die-with-parent",
];
/**
 * As root, much of /proc could be written by whoever owns its files, without any capability. All of it is closed at last, once
 * bubblewrap has said in /proc whose numbers it uses.
 */
const ownFileSystems = [
  ["--dev", "/dev", "--tmpfs", "/dev/shm", "--remount-ro", "/dev", "--proc", "/proc"],
  ...["sys", "sysrq-trigger", "fs", "acpi", "scsi", "tty", "driver", "asound"].map((name) => [
    "--ro-bind-try",
    `/proc/${name}`,
    `/proc/${name}`,
  ]),
].flat();
const dropAll = ["--cap-drop", "ALL"];
/** Who has no capability may pass on every number but root's; so root is somebody else in between. */
const otherName = ["--uid", "1", "--gid", "1"];
const ownName = ["--uid", "0", "--gid", "0"];

/**
 * Two sandboxes, one in the other. The outer one gives: it makes whole folders writable, none of which lies where
 * another command may write. The inner one only takes away, below those folders. There a command that runs already
 * can turn a folder into a link at any moment; but what the inner one mounts comes from the outer one, whose mounts it
 * cannot make writable, so that no such trick opens anything.
 * Where nothing is to be taken away there, one does for both.
 */
export function launchCommand(launch: Launch): readonly string[] {
  const { bwrap, shell, filter, plan, cwd, network, enter, inner, passesSignals } = launch;
  const below = plan.mounts.filter(({ isBelowWritable }) => isBelowWritable);
  const isRoot = process.getuid?.() === 0;
  const names = isRoot ? ownName : [];
  const second = ["--", bwrap, "--unshare-user", ...dropAll, ...names, "--dev-bind", "/", "/"];
  return [
    ...enter,
    shell,
    ...shellOptions,
    passesSignals ? `${ignoreSignals}${launcher}` : launcher,
    "sandbox",
    filter,
    bwrap,
    ...namespaces,
    ...dropAll,
    ...(isRoot && below.length > 0 ? otherName : []),
    ...(network ? [] : ["--unshare-net"]),
    ...outerArguments(plan),
    ...(below.length > 0 ? second : []),
    "--remount-ro",
    "/proc",
    ...mountArguments(below),
    "--seccomp",
    "9",
    "--chdir",
    cwd,
    ...Object.entries(inner).flatMap(([name, value]) => ["--setenv", name, value]),
    "--",
    ...(passesSignals ? usualSignals : []),
    ...launch.command,
  ];
}

function outerArguments({ mounts, links }: MountPlan): readonly string[] {
  const root = mounts.find(({ path }) => path === "/");
  const isWhole = root?.kind === "read" || root?.kind === "write";
  const rest = mounts.filter((mount) => mount !== root && !mount.isBelowWritable);
  return [
    ...(isWhole ? [root.kind === "read" ? "--ro-bind" : "--bind", "/", "/"] : []),
    ...(isWhole ? [] : links.flatMap(({ path, target }) => ["--symlink", target, path])),
    ...ownFileSystems,
    ...mountArguments(rest),
    ...(isWhole ? [] : ["--remount-ro", "/"]),
  ];
}

/** Empty folders are closed when everything that is shown in them is there. */
const mountArguments = (mounts: readonly Mount[]): readonly string[] => [
  ...mounts.flatMap(mountArgument),
  ...mounts.flatMap(({ kind, path, isFolder }) =>
    isFolder && (kind === "hidden" || kind === "sealed") ? ["--remount-ro", path] : [],
  ),
];

function mountArgument({ kind, path, isFolder }: Mount): readonly string[] {
  switch (kind) {
    case "fresh":
      return ["--perms", "1777", "--tmpfs", path];
    case "hidden":
      // opening a device is refused on a mount without devices
      return isFolder ? ["--perms", "0000", "--tmpfs", path] : ["--ro-bind", "/dev/null", path];
    case "sealed":
      return ["--perms", "0555", "--tmpfs", path];
    case "read":
      return ["--ro-bind", path, path];
    case "write":
      return ["--bind", path, path];
    default:
      return unreachable(kind);
  }
}
