/** Numbers of system calls, by machine. Newer calls have one number on all of them (asm-generic/unistd.h). */

export type Machine = "x64" | "arm64";

/** AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64 of linux/audit.h. */
export const auditArchitectures: Readonly<Record<Machine, number>> = {
  x64: 0xc000003e,
  arm64: 0xc00000b7,
};

/** Undefined: the machine has no such call. */
type Numbers = readonly [x64: number | undefined, arm64: number | undefined];
const both = (number: number): Numbers => [number, number];

/** What a confined command has no use for, and what has been a way out of sandboxes. */
const forbidden: Readonly<Record<string, Numbers>> = {
  // other processes
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  kcmp: [312, 272],
  pidfd_getfd: both(438),
  perf_event_open: [298, 241],
  // what is mounted where
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  open_tree: both(428),
  move_mount: both(429),
  fsopen: both(430),
  fsconfig: both(431),
  fsmount: both(432),
  fspick: both(433),
  mount_setattr: both(442),
  open_tree_attr: both(467),
  setns: [308, 268],
  open_by_handle_at: [304, 265],
  fanotify_init: [300, 262],
  quotactl: [179, 60],
  quotactl_fd: both(443),
  // the kernel's own keys, programs and modules
  keyctl: [250, 219],
  add_key: [248, 217],
  request_key: [249, 218],
  bpf: [321, 280],
  userfaultfd: [323, 282],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  // the machine as a whole
  reboot: [169, 142],
  swapon: [167, 224],
  swapoff: [168, 225],
  acct: [163, 89],
  syslog: [103, 116],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  clock_adjtime: [305, 266],
  vhangup: [153, 58],
  iopl: [172, undefined],
  ioperm: [173, undefined],
  modify_ldt: [154, undefined],
  lookup_dcookie: [212, 18],
  nfsservctl: [180, 42],
};

/** Said not to exist, so that programs take the older way, whose arguments a filter can see. */
const missing: Readonly<Record<string, Numbers>> = {
  clone3: both(435),
  io_uring_setup: both(425),
  io_uring_enter: both(426),
  io_uring_register: both(427),
};

/** Looked at by their arguments. */
const looked: Readonly<Record<"clone" | "unshare" | "ioctl" | "socket" | "socketpair", Numbers>> = {
  clone: [56, 220],
  unshare: [272, 97],
  ioctl: [16, 29],
  socket: [41, 198],
  socketpair: [53, 199],
};

const numberOn = (machine: Machine, [x64, arm64]: Numbers): number | undefined =>
  machine === "x64" ? x64 : arm64;

const numbersOn = (machine: Machine, calls: Readonly<Record<string, Numbers>>): readonly number[] =>
  Object.values(calls).flatMap((numbers) => numberOn(machine, numbers) ?? []);

export interface SystemCalls {
  readonly forbidden: readonly number[];
  readonly missing: readonly number[];
  readonly clone: number;
  readonly unshare: number;
  readonly ioctl: number;
  readonly socket: number;
  readonly socketpair: number;
}

export function systemCalls(machine: Machine): SystemCalls {
  const one = (name: keyof typeof looked): number => {
    const number = numberOn(machine, looked[name]);
    if (number === undefined) throw new Error(`${machine} has no ${name}`);
    return number;
  };
  return {
    forbidden: numbersOn(machine, forbidden),
    missing: numbersOn(machine, missing),
    clone: one("clone"),
    unshare: one("unshare"),
    ioctl: one("ioctl"),
    socket: one("socket"),
    socketpair: one("socketpair"),
  };
}
