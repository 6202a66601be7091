/** The seccomp program of every sandbox: what namespaces do not take away. */
import {
  give,
  loadWord,
  maskWord,
  programBytes,
  unlessEqual,
  whenAny,
  whenAtLeast,
  whenEqual,
  type Instruction,
} from "./bpf.ts";
import { auditArchitectures, systemCalls, type Machine } from "./system-calls.ts";

/** SECCOMP_RET_* of linux/seccomp.h; an error carries its number in the low bits. */
export const verdicts = {
  allow: 0x7fff0000,
  killProcess: 0x80000000,
  notPermitted: 0x00050001,
  noSuchCall: 0x00050026,
} as const;

/** struct seccomp_data: the number, the architecture, the address, and six arguments of eight bytes. */
export const dataOffsets = { number: 0, architecture: 4, firstArgument: 16 } as const;
/** The lower half, which is all that the kernel reads of an `int`. */
const argument = (index: number): readonly Instruction[] =>
  loadWord(dataOffsets.firstArgument + index * 8);

/** On x86-64 these numbers call the 32 bit variants of the same calls. */
const x32Bit = 0x40000000;
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET; and NEWTIME, which only `unshare` knows. */
const newNamespaces = 0x7e020000;
const newTime = 0x00000080;
/** TIOCSTI, TIOCLINUX, TIOCCONS, TIOCSETD: typing into, and taking over, a terminal. */
const terminalTricks = [0x5412, 0x541c, 0x541d, 0x5423];
const families = { unix: 1, inet: 2, inet6: 10, netlink: 16 } as const;
const kinds = { stream: 1, datagram: 2, sequenced: 5 } as const;
/** Besides the kind, the type of a socket carries flags. */
const kindMask = 0x0f;

const allow = give(verdicts.allow);
const refuse = give(verdicts.notPermitted);

/** The bytes that the kernel takes. */
export const filterBytes = (machine: Machine): Buffer => programBytes(filterProgram(machine));

/**
 * Allowed unless named. No socket reaches a Unix socket by name: that is how the host's own services are spoken to, and
 * neither a read-only file system nor a network of its own stands in the way. A pair can be made, but none of datagrams,
 * for such a one may be pointed elsewhere later.
 */
export function filterProgram(machine: Machine): readonly Instruction[] {
  const calls = systemCalls(machine);
  const usual = (...allowed: readonly number[]): readonly Instruction[] => [
    ...argument(1),
    ...maskWord(kindMask),
    ...allowed.flatMap((kind) => whenEqual(kind, allow)),
    ...refuse,
  ];
  return [
    ...loadWord(dataOffsets.architecture),
    ...unlessEqual(auditArchitectures[machine], give(verdicts.killProcess)),
    ...loadWord(dataOffsets.number),
    ...(machine === "x64" ? whenAtLeast(x32Bit, give(verdicts.killProcess)) : []),
    ...calls.forbidden.flatMap((number) => whenEqual(number, refuse)),
    ...calls.missing.flatMap((number) => whenEqual(number, give(verdicts.noSuchCall))),
    ...whenEqual(calls.clone, argument(0), whenAny(newNamespaces, refuse), allow),
    ...whenEqual(calls.unshare, argument(0), whenAny(newNamespaces | newTime, refuse), allow),
    ...whenEqual(
      calls.ioctl,
      argument(1),
      terminalTricks.flatMap((request) => whenEqual(request, refuse)),
      allow,
    ),
    ...whenEqual(
      calls.socket,
      argument(0),
      whenEqual(families.inet, usual(kinds.stream, kinds.datagram)),
      whenEqual(families.inet6, usual(kinds.stream, kinds.datagram)),
      // protocol 0 is routing, which the C library asks for addresses
      whenEqual(families.netlink, argument(2), whenEqual(0, allow), refuse),
      refuse,
    ),
    ...whenEqual(
      calls.socketpair,
      argument(0),
      whenEqual(families.unix, usual(kinds.stream, kinds.sequenced)),
      refuse,
    ),
    ...allow,
  ];
}
