/** As much of WebAssembly's binary format as the kernels need (webassembly.github.io/spec/core/binary; SIMD and relaxed SIMD). */

/** Instructions of a function's body. */
export type Code = readonly number[];

/** Unsigned LEB128. */
export function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

/** Signed LEB128. */
function signedLeb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
}

const simd = (opcode: number, ...rest: number[]) => [0xfd, ...leb(opcode), ...rest];

/** Instructions by their names in the specification. */
export const op = {
  get: (local: number) => [0x20, ...leb(local)],
  set: (local: number) => [0x21, ...leb(local)],
  i32: (value: number) => [0x41, ...signedLeb(value)],
  add: [0x6a],
  multiply: [0x6c],
  lessUnsigned: [0x49],
  f32Load: [0x2a, 2, 0],
  f32Store: [0x38, 2, 0],
  f32Add: [0x92],
  f32Multiply: [0x94],
  call: (index: number) => [0x10, ...leb(index)],
  vectorLoad: simd(0, 2, 0),
  vectorZero: simd(12, ...Array.from({ length: 16 }, () => 0)),
  lane: (index: number) => simd(31, index),
  vectorAdd: simd(228),
  vectorMultiply: simd(230),
  /** a · b + c, fused or not as the processor has it. */
  relaxedMultiplyAdd: simd(0x105),
  /** Repeats `body` while `condition` leaves other than 0. */
  whileLoop: (condition: Code, body: Code) => [
    0x02,
    0x40,
    0x03,
    0x40,
    ...condition,
    0x45,
    0x0d,
    1,
    ...body,
    0x0c,
    0,
    0x0b,
    0x0b,
  ],
} as const;

const magicAndVersion: readonly number[] = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const i32Type = 0x7f;
const vectorType = 0x7b;

/** A function of i32 parameters without results. */
export interface WasmFunction {
  readonly parameters: number;
  /** i32 locals, numbered behind the parameters. */
  readonly integers: number;
  /** v128 locals, numbered behind those. */
  readonly vectors: number;
  readonly body: Code;
}

/** A module that imports `env.memory` (shared, of at most 65,536 pages, or not) and exports its last function as `run`. */
export function assemble(functions: readonly WasmFunction[], sharedMemory: boolean): Uint8Array<ArrayBuffer> {
  const section = (id: number, content: readonly number[]) => [id, ...leb(content.length), ...content];
  const vector = (items: readonly (readonly number[])[]) => [...leb(items.length), ...items.flat()];
  const text = (value: string) => [...leb(value.length), ...new TextEncoder().encode(value)];
  const limits = sharedMemory ? [0x03, ...leb(0), ...leb(65_536)] : [0x00, ...leb(0)];
  return Uint8Array.from([
    ...magicAndVersion,
    ...section(
      1,
      vector(
        functions.map(({ parameters }) => [0x60, ...vector(Array.from({ length: parameters }, () => [i32Type])), 0]),
      ),
    ),
    ...section(2, vector([[...text('env'), ...text('memory'), 0x02, ...limits]])),
    ...section(3, vector(functions.map((_, index) => leb(index)))),
    ...section(7, vector([[...text('run'), 0x00, ...leb(functions.length - 1)]])),
    ...section(
      10,
      vector(
        functions.map(({ integers, vectors, body }) => {
          const locals = vector([
            [...leb(integers), i32Type],
            [...leb(vectors), vectorType],
          ]);
          const code = [...locals, ...body, 0x0b];
          return [...leb(code.length), ...code];
        }),
      ),
    ),
  ]);
}
