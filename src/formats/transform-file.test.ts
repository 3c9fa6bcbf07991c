import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { f32ToBf16 } from '@/base/half.ts';
import { FormatError } from './errors.ts';
import { memorySource } from './memory-source.ts';
import { writeSafetensors } from './safetensors-writer.ts';
import { readTransformFile, transformAsJson, transformAsSafetensors } from './transform-file.ts';

const source = (content: string | Uint8Array<ArrayBuffer>) =>
  memorySource('m', typeof content === 'string' ? new TextEncoder().encode(content) : content);
const square = fc.integer({ min: 1, max: 6 }).chain((k) =>
  fc.record({
    names: fc.array(fc.string(), { minLength: k, maxLength: k }),
    values: fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: k * k, maxLength: k * k }),
  }),
);

test('a transform comes back bit for bit, from either form, the sign of −0 included', async () => {
  await fc.assert(
    fc.asyncProperty(square, async ({ names, values }) => {
      const transform = Float64Array.from(values);
      for (const file of [transformAsSafetensors(names, transform), transformAsJson(names, transform)]) {
        const read = await readTransformFile(source(file));
        expect(new BigUint64Array(read.transform.buffer)).toEqual(new BigUint64Array(transform.buffer));
        expect(read).toMatchObject({ size: names.length, objectives: names });
      }
    }),
  );
});

test('a checkpoint’s own tensor is read, without names', async () => {
  const values = Float32Array.of(1, -0.5, 0, 0.25);
  const bf16 = writeSafetensors([
    { name: 'reward_transform_matrix', dtype: 'BF16', shape: [2, 2], data: Uint16Array.from(f32ToBf16(values)) },
  ]);
  const heads = writeSafetensors([{ name: 'transform', dtype: 'F32', shape: [2, 2], data: values }]);
  for (const file of [bf16, heads])
    expect(await readTransformFile(source(file))).toEqual({
      transform: Float64Array.from(values),
      size: 2,
      objectives: undefined,
    });
});

describe('a file that is none is refused', () => {
  const rows = (value: unknown, more: object = {}) => JSON.stringify({ reward_transform_matrix: value, ...more });
  test.each([
    ['{', /not valid JSON/],
    ['{}', /has no "reward_transform_matrix"/],
    [rows([[1, 2]]), /\[0\]: must be 1 numbers/],
    [rows([[1, 2], [3]]), /\[1\]: must be 2 numbers/],
    [
      rows([
        [1, 'x'],
        [3, 4],
      ]),
      /entry \[0, 1\] is not a finite number/,
    ],
    [rows([[1]], { objectives: ['a', 'b'] }), /objectives must be 1 names/],
    [rows([[1]], { armoscope: { kind: 'reward-transform', version: 2 } }), /version 2/],
    [writeSafetensors([{ name: 'x', dtype: 'F32', shape: [1], data: Float32Array.of(1) }]), /"transform": is not in/],
    [
      writeSafetensors([{ name: 'transform', dtype: 'F32', shape: [1, 2], data: Float32Array.of(1, 2) }]),
      /\[1, 2\], not a square/,
    ],
    [
      writeSafetensors([{ name: 'transform', dtype: 'F64', shape: [1, 1], data: Float64Array.of(NaN) }]),
      /not a finite number/,
    ],
  ])('%#', async (content, message) => {
    const failure = readTransformFile(source(content));
    await expect(failure).rejects.toThrow(FormatError);
    await expect(failure).rejects.toThrow(message);
  });
});
