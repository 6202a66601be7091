/** Reads a QR code (ISO/IEC 18004) of bytes, up to version 12, without mending errors: what is printed must be right. */

/** By level L, M, Q, H: error correction codewords of one block, and blocks, for versions 1 to 12. */
const blockTable = {
  L: [
    [7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24],
    [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4],
  ],
  M: [
    [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22],
    [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8],
  ],
  Q: [
    [13, 22, 18, 26, 18, 24, 18, 22, 20, 24, 28, 26],
    [1, 1, 2, 2, 4, 4, 6, 6, 8, 8, 8, 10],
  ],
  H: [
    [17, 28, 22, 16, 22, 28, 26, 26, 24, 28, 24, 28],
    [1, 1, 2, 4, 4, 4, 5, 6, 8, 8, 11, 11],
  ],
} as const;
const levels = ["M", "L", "H", "Q"] as const;

/** True: dark. Rows from the top, without the quiet zone. */
type Matrix = readonly (readonly boolean[])[];

const masks: readonly ((row: number, column: number) => boolean)[] = [
  (row, column) => (row + column) % 2 === 0,
  (row) => row % 2 === 0,
  (_, column) => column % 3 === 0,
  (row, column) => (row + column) % 3 === 0,
  (row, column) => (Math.floor(row / 2) + Math.floor(column / 3)) % 2 === 0,
  (row, column) => ((row * column) % 2) + ((row * column) % 3) === 0,
  (row, column) => (((row * column) % 2) + ((row * column) % 3)) % 2 === 0,
  (row, column) => (((row + column) % 2) + ((row * column) % 3)) % 2 === 0,
];

/** The code in what a terminal shows: half blocks, of which the filled ones are light. */
export function printedMatrix(screen: string): Matrix {
  const lines = screen.split("\n").filter((line) => /^\s*[█▀▄][█▀▄ ]{20,}$/.test(line));
  const rows = lines.flatMap((line) => {
    const cells = Array.from(line.trim());
    return [cells.map((cell) => !"█▀".includes(cell)), cells.map((cell) => !"█▄".includes(cell))];
  });
  const dark = rows.flatMap((row, at) => (row.includes(true) ? [at] : []));
  const [top = 0] = dark;
  const left = rows[top]?.indexOf(true) ?? 0;
  const size = (rows[top]?.lastIndexOf(true) ?? 0) - left + 1;
  return rows.slice(top, top + size).map((row) => row.slice(left, left + size));
}

export function readQrCode(matrix: Matrix): string {
  const size = matrix.length;
  const version = (size - 17) / 4;
  if (!Number.isInteger(version) || version < 1 || version > 12) throw new Error(`${size} modules`);
  const { level, mask } = readFormat(matrix);
  const codewords = bytesOf(dataBits(matrix, version, mask));
  const [eccTable, countTable] = blockTable[level];
  const count = countTable[version - 1] ?? 1;
  const ecc = eccTable[version - 1] ?? 0;
  const data = joinedBlocks(codewords, count, ecc);
  const mode = (data[0] ?? 0) >> 4;
  if (mode !== 4) throw new Error(`mode ${mode} is not of bytes`);
  // The mode takes half a byte, so the bytes lie across their borders.
  const shifted = data.map((byte, at) => ((byte << 4) | ((data[at + 1] ?? 0) >> 4)) & 255);
  const lengthBytes = version < 10 ? 1 : 2;
  const length = shifted.slice(0, lengthBytes).reduce((sum, byte) => sum * 256 + byte, 0);
  return Buffer.from(shifted.slice(lengthBytes, lengthBytes + length)).toString("utf8");
}

function readFormat(matrix: Matrix): { level: (typeof levels)[number]; mask: (typeof masks)[0] } {
  const column = [0, 1, 2, 3, 4, 5, 7, 8].map((at) => matrix[8]?.[at] === true);
  const row = [7, 5, 4, 3, 2, 1, 0].map((at) => matrix[at]?.[8] === true);
  const bits = [...column, ...row].reduce((sum, bit) => sum * 2 + Number(bit), 0) ^ 0x5412;
  const level = levels[bits >> 13];
  const mask = masks[(bits >> 10) & 7];
  if (level === undefined || mask === undefined) throw new Error("no format");
  return { level, mask };
}

/** The modules that hold data, in the order of the zigzag from the lower right, unmasked. */
function dataBits(matrix: Matrix, version: number, mask: (typeof masks)[0]): boolean[] {
  const size = matrix.length;
  const isFunction = functionModules(version);
  const bits: boolean[] = [];
  for (let right = size - 1; right > 0; right -= right === 8 ? 3 : 2) {
    const upward = ((right + 1) & 2) === 0;
    for (let step = 0; step < size; step += 1) {
      const row = upward ? size - 1 - step : step;
      for (const column of [right, right - 1]) {
        if (isFunction(row, column)) continue;
        bits.push((matrix[row]?.[column] === true) !== mask(row, column));
      }
    }
  }
  return bits;
}

const near = (centre: number, at: number): boolean => Math.abs(centre - at) <= 2;

/** Finders with their formats, timing, alignment, version. */
function functionModules(version: number): (row: number, column: number) => boolean {
  const size = version * 4 + 17;
  const count = version === 1 ? 0 : Math.floor(version / 7) + 2;
  const step = Math.ceil((size - 13) / (count * 2 - 2)) * 2;
  const centres = Array.from({ length: count }, (_, at) =>
    at === 0 ? 6 : size - 7 - (count - 1 - at) * step,
  );
  const isCorner = (y: number, x: number): boolean =>
    (y === 6 && x === 6) || (y === 6 && x === size - 7) || (y === size - 7 && x === 6);
  return (row, column) => {
    const finder =
      (row < 9 && column < 9) || (row < 9 && column >= size - 8) || (row >= size - 8 && column < 9);
    const versionInfo =
      version >= 7 && ((row < 6 && column >= size - 11) || (column < 6 && row >= size - 11));
    const alignment = centres.some((y) =>
      centres.some((x) => !isCorner(y, x) && near(y, row) && near(x, column)),
    );
    return finder || versionInfo || alignment || row === 6 || column === 6;
  };
}

const bytesOf = (bits: readonly boolean[]): number[] =>
  Array.from({ length: Math.floor(bits.length / 8) }, (_, at) =>
    bits.slice(at * 8, at * 8 + 8).reduce((sum, bit) => sum * 2 + Number(bit), 0),
  );

/** The blocks' data one after the other; the last blocks are one codeword longer where it does not come out even. */
function joinedBlocks(codewords: readonly number[], count: number, ecc: number): number[] {
  const shortLength = Math.floor(codewords.length / count) - ecc;
  const longer = codewords.length % count;
  const blocks = Array.from({ length: count }, (_, block) => ({
    length: shortLength + (block >= count - longer ? 1 : 0),
    data: Array<number>(),
  }));
  let at = 0;
  for (let place = 0; place <= shortLength; place += 1) {
    for (const { length, data } of blocks) {
      if (place < length) data.push(codewords[at++] ?? 0);
    }
  }
  return blocks.flatMap(({ data }) => data);
}
