/**
 * Classic BPF as the kernel takes it for seccomp: a list of instructions of eight bytes (linux/filter.h), little endian.
 * A program only jumps forward, over whole blocks, so that it is written as blocks and needs no labels.
 */

export interface Instruction {
  readonly code: number;
  /** How many instructions are left out when the test holds, and when it does not. */
  readonly ifTrue: number;
  readonly ifFalse: number;
  readonly operand: number;
}

export const opcodes = {
  loadWord: 0x20,
  and: 0x54,
  jumpIfEqual: 0x15,
  jumpIfAtLeast: 0x35,
  jumpIfAny: 0x45,
  give: 0x06,
} as const;

/** A jump says in one byte how far it goes. */
const maxBlock = 255;
const maxProgram = 4096;

const plain = (code: number, operand: number): readonly Instruction[] => [
  { code, ifTrue: 0, ifFalse: 0, operand },
];

/** Loads the 32 bits at `offset` of the data that the filter looks at. */
export const loadWord = (offset: number): readonly Instruction[] => plain(opcodes.loadWord, offset);
export const maskWord = (mask: number): readonly Instruction[] => plain(opcodes.and, mask);
/** Ends the program with this verdict. */
export const give = (verdict: number): readonly Instruction[] => plain(opcodes.give, verdict);

function guarded(
  code: number,
  operand: number,
  block: readonly Instruction[],
  runsWhen: boolean,
): readonly Instruction[] {
  if (block.length > maxBlock) throw new Error(`a block of ${block.length} instructions`);
  const [ifTrue, ifFalse] = runsWhen ? [0, block.length] : [block.length, 0];
  return [{ code, ifTrue, ifFalse, operand }, ...block];
}

export const whenEqual = (
  value: number,
  ...block: readonly (readonly Instruction[])[]
): readonly Instruction[] => guarded(opcodes.jumpIfEqual, value, block.flat(), true);
export const unlessEqual = (
  value: number,
  ...block: readonly (readonly Instruction[])[]
): readonly Instruction[] => guarded(opcodes.jumpIfEqual, value, block.flat(), false);
export const whenAtLeast = (
  value: number,
  ...block: readonly (readonly Instruction[])[]
): readonly Instruction[] => guarded(opcodes.jumpIfAtLeast, value, block.flat(), true);
/** When any of these bits is set. */
export const whenAny = (
  bits: number,
  ...block: readonly (readonly Instruction[])[]
): readonly Instruction[] => guarded(opcodes.jumpIfAny, bits, block.flat(), true);

export function programBytes(program: readonly Instruction[]): Buffer {
  if (program.length > maxProgram) throw new Error(`a program of ${program.length} instructions`);
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(({ code, ifTrue, ifFalse, operand }, index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(operand >>> 0, index * 8 + 4);
  });
  return bytes;
}
