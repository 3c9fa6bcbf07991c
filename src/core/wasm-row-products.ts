/**
 * The one matrix kernel of the f32 path, in WebAssembly SIMD: C[i,j] += Σ_t A[i,t] · B[j,t], rows of A against rows of B, like
 * row-products.ts. Tiles of 4 × 2 rows keep eight vector sums going; where the processor offers a fused multiply-add (relaxed SIMD)
 * it is used. Assembled here, so there is no binary in the tree and no compiler in the build.
 */
import { assemble, type Code, op, type WasmFunction } from './wasm-assembler.ts';

/** Parameters of every function: addresses and strides in bytes, then counts. */
const [C, C_STRIDE, A, A_STRIDE, B, B_STRIDE, WHOLE, END] = [0, 1, 2, 3, 4, 5, 6, 7];

/** One tile of `rows` × `columns`; WHOLE is k in whole vectors and END k, both in bytes. */
function tile(rows: number, columns: number, fused: boolean): WasmFunction {
  const t = 8;
  const pointerA = (i: number) => 9 + i;
  const pointerB = (j: number) => 9 + rows + j;
  const integers = 1 + rows + columns;
  const sum = (i: number, j: number) => 8 + integers + i * columns + j;
  const loadedB = (j: number) => 8 + integers + rows * columns + j;
  const loadedA = 8 + integers + rows * columns + columns;
  const each = (count: number, code: (index: number) => Code): Code =>
    Array.from({ length: count }, (_, index) => code(index)).flat();
  const advance = (pointer: number, bytes: number): Code => [
    ...op.get(pointer),
    ...op.i32(bytes),
    ...op.add,
    ...op.set(pointer),
  ];
  const begin = (pointer: number, base: number, stride: number, index: number): Code => [
    ...op.get(base),
    ...op.get(stride),
    ...op.i32(index),
    ...op.multiply,
    ...op.add,
    ...op.set(pointer),
  ];
  const multiplyAdd = (i: number, j: number): Code =>
    fused
      ? [
          ...op.get(loadedA),
          ...op.get(loadedB(j)),
          ...op.get(sum(i, j)),
          ...op.relaxedMultiplyAdd,
          ...op.set(sum(i, j)),
        ]
      : [
          ...op.get(sum(i, j)),
          ...op.get(loadedA),
          ...op.get(loadedB(j)),
          ...op.vectorMultiply,
          ...op.vectorAdd,
          ...op.set(sum(i, j)),
        ];
  const vectorLoop = op.whileLoop(
    [...op.get(t), ...op.get(WHOLE), ...op.lessUnsigned],
    [
      ...each(columns, (j) => [
        ...op.get(pointerB(j)),
        ...op.vectorLoad,
        ...op.set(loadedB(j)),
        ...advance(pointerB(j), 16),
      ]),
      ...each(rows, (i) => [
        ...op.get(pointerA(i)),
        ...op.vectorLoad,
        ...op.set(loadedA),
        ...advance(pointerA(i), 16),
        ...each(columns, (j) => multiplyAdd(i, j)),
      ]),
      ...advance(t, 16),
    ],
  );
  const place = (i: number, j: number): Code => [
    ...op.get(C),
    ...op.get(C_STRIDE),
    ...op.i32(i),
    ...op.multiply,
    ...op.add,
    ...op.i32(4 * j),
    ...op.add,
  ];
  /** C[i,j] += the value that `code` leaves. */
  const addTo = (i: number, j: number, code: Code): Code => [
    ...place(i, j),
    ...place(i, j),
    ...op.f32Load,
    ...code,
    ...op.f32Add,
    ...op.f32Store,
  ];
  const lanes = (i: number, j: number): Code => {
    const lane = (index: number) => [...op.get(sum(i, j)), ...op.lane(index)];
    return [...lane(0), ...lane(1), ...op.f32Add, ...lane(2), ...lane(3), ...op.f32Add, ...op.f32Add];
  };
  const scalarLoop = op.whileLoop(
    [...op.get(t), ...op.get(END), ...op.lessUnsigned],
    [
      ...each(rows, (i) =>
        each(columns, (j) =>
          addTo(i, j, [
            ...op.get(pointerA(i)),
            ...op.f32Load,
            ...op.get(pointerB(j)),
            ...op.f32Load,
            ...op.f32Multiply,
          ]),
        ),
      ),
      ...each(rows, (i) => advance(pointerA(i), 4)),
      ...each(columns, (j) => advance(pointerB(j), 4)),
      ...advance(t, 4),
    ],
  );
  return {
    parameters: 8,
    integers,
    vectors: rows * columns + columns + 1,
    body: [
      ...op.i32(0),
      ...op.set(t),
      ...each(rows, (i) => begin(pointerA(i), A, A_STRIDE, i)),
      ...each(columns, (j) => begin(pointerB(j), B, B_STRIDE, j)),
      ...each(rows * columns, (index) => [...op.vectorZero, ...op.set(sum(0, 0) + index)]),
      ...vectorLoop,
      ...each(rows, (i) => each(columns, (j) => addTo(i, j, lanes(i, j)))),
      ...scalarLoop,
    ],
  };
}

/** All tiles of m × n rows. Parameters: C, its stride, A, its stride, B, its stride, WHOLE, END, m, n. */
function block(): WasmFunction {
  const [m, n, i, j, rowC, rowA, atC, atB] = [8, 9, 10, 11, 12, 13, 14, 15];
  const tileOf = { r4c2: 0, r4c1: 1, r1c2: 2, r1c1: 3 };
  const call = (index: number): Code => [
    ...op.get(atC),
    ...op.get(C_STRIDE),
    ...op.get(rowA),
    ...op.get(A_STRIDE),
    ...op.get(atB),
    ...op.get(B_STRIDE),
    ...op.get(WHOLE),
    ...op.get(END),
    ...op.call(index),
  ];
  const bump = (local: number, by: Code): Code => [...op.get(local), ...by, ...op.add, ...op.set(local)];
  const stride = (local: number, count: number): Code => [...op.get(local), ...op.i32(count), ...op.multiply];
  const fits = (local: number, count: number, limit: number): Code => [
    ...op.get(local),
    ...op.i32(count - 1),
    ...op.add,
    ...op.get(limit),
    ...op.lessUnsigned,
  ];
  /** counter = 0, to = from, to2 = from2. */
  const start = (counter: number, from: number, to: number, from2: number, to2: number): Code =>
    [op.i32(0), op.set(counter), op.get(from), op.set(to), op.get(from2), op.set(to2)].flat();
  const columnsOf = (two: number, one: number): Code => [
    ...start(j, rowC, atC, B, atB),
    ...op.whileLoop(fits(j, 2, n), [
      ...call(two),
      ...bump(atC, op.i32(8)),
      ...bump(atB, stride(B_STRIDE, 2)),
      ...bump(j, op.i32(2)),
    ]),
    ...op.whileLoop(fits(j, 1, n), [
      ...call(one),
      ...bump(atC, op.i32(4)),
      ...bump(atB, stride(B_STRIDE, 1)),
      ...bump(j, op.i32(1)),
    ]),
  ];
  const rowsOf = (count: number, two: number, one: number): Code =>
    op.whileLoop(fits(i, count, m), [
      ...columnsOf(two, one),
      ...bump(rowC, stride(C_STRIDE, count)),
      ...bump(rowA, stride(A_STRIDE, count)),
      ...bump(i, op.i32(count)),
    ]);
  return {
    parameters: 10,
    integers: 6,
    vectors: 0,
    body: [
      ...start(i, C, rowC, A, rowA),
      ...rowsOf(4, tileOf.r4c2, tileOf.r4c1),
      ...rowsOf(1, tileOf.r1c2, tileOf.r1c1),
    ],
  };
}

/** The module's bytes. */
export function rowProductsModule(fused: boolean, sharedMemory: boolean): Uint8Array<ArrayBuffer> {
  const shapes = [
    [4, 2],
    [4, 1],
    [1, 2],
    [1, 1],
  ] as const;
  return assemble([...shapes.map(([rows, columns]) => tile(rows, columns, fused)), block()], sharedMemory);
}

/** Compiled, with fused multiply-adds where this engine has them. */
export function compileRowProducts(sharedMemory: boolean): {
  readonly module: WebAssembly.Module;
  readonly fused: boolean;
} {
  const bytes = rowProductsModule(true, sharedMemory);
  if (WebAssembly.validate(bytes)) return { module: new WebAssembly.Module(bytes), fused: true };
  return { module: new WebAssembly.Module(rowProductsModule(false, sharedMemory)), fused: false };
}
