import { describe, expect, test } from "vitest";
import { opcodes } from "../../../../src/tools/sandbox/bpf.ts";
import { filterBytes, verdicts } from "../../../../src/tools/sandbox/system-call-filter.ts";
import { auditArchitectures, type Machine } from "../../../../src/tools/sandbox/system-calls.ts";

/** What the kernel does with such a program. */
function run(program: Buffer, data: Buffer): number {
  let value = 0;
  for (let at = 0; at < program.length / 8; at += 1) {
    const operand = program.readUInt32LE(at * 8 + 4);
    const jump = (holds: boolean): number => program.readUInt8(at * 8 + (holds ? 2 : 3));
    switch (program.readUInt16LE(at * 8)) {
      case opcodes.loadWord:
        value = data.readUInt32LE(operand);
        break;
      case opcodes.and:
        value = (value & operand) >>> 0;
        break;
      case opcodes.jumpIfEqual:
        at += jump(value === operand);
        break;
      case opcodes.jumpIfAtLeast:
        at += jump(value >= operand);
        break;
      case opcodes.jumpIfAny:
        at += jump((value & operand) !== 0);
        break;
      case opcodes.give:
        return operand;
      default:
        throw new Error(`no such instruction at ${at}`);
    }
  }
  throw new Error("the program has no end");
}

function verdict(
  machine: Machine,
  number: number,
  args: readonly (number | bigint)[] = [],
  architecture = auditArchitectures[machine],
): string | undefined {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number, 0);
  data.writeUInt32LE(architecture, 4);
  args.forEach((value, index) => data.writeBigUInt64LE(BigInt(value), 16 + index * 8));
  const given = run(filterBytes(machine), data);
  return Object.entries(verdicts).find(([, code]) => code === given)?.[0];
}

const calls = {
  x64: { clone: 56, unshare: 272, ioctl: 16, socket: 41, socketpair: 53, read: 0, execve: 59 },
  arm64: {
    clone: 220,
    unshare: 97,
    ioctl: 29,
    socket: 198,
    socketpair: 199,
    read: 63,
    execve: 221,
  },
} as const;
const high = 1n << 32n;

describe.each(["x64", "arm64"] as const)("the filter on %s", (machine) => {
  const of = calls[machine];

  test("allows what programs do all day", () => {
    for (const number of [of.read, of.execve]) expect(verdict(machine, number)).toBe("allow");
    expect(verdict(machine, of.clone, [0x01200011])).toBe("allow");
    expect(verdict(machine, of.clone, [0x003d0f00])).toBe("allow");
    expect(verdict(machine, of.unshare, [0x00000200])).toBe("allow");
    expect(verdict(machine, of.ioctl, [0, 0x5401])).toBe("allow");
  });

  test("kills a call of another machine", () => {
    const other = auditArchitectures[machine === "x64" ? "arm64" : "x64"];
    expect(verdict(machine, of.read, [], other)).toBe("killProcess");
    expect(verdict(machine, of.read, [], 0x40000003)).toBe("killProcess");
  });

  test("refuses every new namespace, whatever else is asked for with it", () => {
    for (const bit of [17, 25, 26, 27, 28, 29, 30]) {
      expect(verdict(machine, of.clone, [(1 << bit) | 0x11])).toBe("notPermitted");
      expect(verdict(machine, of.unshare, [1 << bit])).toBe("notPermitted");
      expect(verdict(machine, of.unshare, [high | BigInt(1 << bit)])).toBe("notPermitted");
    }
    expect(verdict(machine, of.unshare, [0x80])).toBe("notPermitted");
    expect(verdict(machine, 435)).toBe("noSuchCall");
  });

  test("refuses to type into a terminal, also where bits are set that the kernel does not read", () => {
    for (const request of [0x5412, 0x541c, 0x541d, 0x5423]) {
      expect(verdict(machine, of.ioctl, [0, request])).toBe("notPermitted");
      expect(verdict(machine, of.ioctl, [0, high | BigInt(request)])).toBe("notPermitted");
    }
  });

  test.each([
    ["TCP", [2, 1, 6], "allow"],
    ["UDP over IPv6, closed on exec", [10, 0x80002, 17], "allow"],
    ["raw IPv4", [2, 3, 1], "notPermitted"],
    ["raw IPv6, not blocking", [10, 0x803, 58], "notPermitted"],
    ["an old packet socket", [2, 10, 3], "notPermitted"],
    ["a packet socket", [17, 3, 0], "notPermitted"],
    ["a Unix socket", [1, 1, 0], "notPermitted"],
    ["a Unix socket of datagrams", [1, 0x80002, 0], "notPermitted"],
    ["routing over netlink", [16, 0x80003, 0], "allow"],
    ["the firewall over netlink", [16, 3, 12], "notPermitted"],
    ["a socket to the hypervisor", [40, 1, 0], "notPermitted"],
    ["the kernel's ciphers", [38, 5, 0], "notPermitted"],
    ["a Unix socket with bits that the kernel does not read", [high | 1n, 1, 0], "notPermitted"],
  ] as const)("%s", (_, args, expected) => {
    expect(verdict(machine, of.socket, args)).toBe(expected);
  });

  test("makes pairs of streams, and none that could be pointed elsewhere", () => {
    expect(verdict(machine, of.socketpair, [1, 0x80801, 0])).toBe("allow");
    expect(verdict(machine, of.socketpair, [1, 5, 0])).toBe("allow");
    expect(verdict(machine, of.socketpair, [1, 2, 0])).toBe("notPermitted");
    expect(verdict(machine, of.socketpair, [1, 0x80002, 0])).toBe("notPermitted");
    expect(verdict(machine, of.socketpair, [40, 1, 0])).toBe("notPermitted");
  });
});

test.each([
  ["x64", { ptrace: 101, mount: 165, umount2: 166, keyctl: 250, bpf: 321, userfaultfd: 323 }],
  ["arm64", { ptrace: 117, mount: 40, umount2: 39, keyctl: 219, bpf: 280, userfaultfd: 282 }],
] as const)("%s: the calls that are forbidden whatever they say", (machine, numbers) => {
  for (const number of Object.values(numbers))
    expect(verdict(machine, number)).toBe("notPermitted");
  for (const number of [428, 429, 430, 431, 432, 433, 438, 442, 467])
    expect(verdict(machine, number)).toBe("notPermitted");
  for (const number of [425, 426, 427]) expect(verdict(machine, number)).toBe("noSuchCall");
});

test("the 32 bit calls of x86-64 kill", () => {
  expect(verdict("x64", 0x40000000)).toBe("killProcess");
  expect(verdict("x64", 0x40000000 + 521)).toBe("killProcess");
  expect(verdict("arm64", 0x40000000)).toBe("allow");
});
