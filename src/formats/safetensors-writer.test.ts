import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memorySink, sequentialSink } from './byte-sink.ts';
import { FormatError } from './errors.ts';
import { memorySource } from './memory-source.ts';
import { readSafetensorsHeader, readTensor, SAFETENSORS_DTYPES, tensorByteLength } from './safetensors.ts';
import { layoutSafetensors, SafetensorsWriter, writeSafetensors } from './safetensors-writer.ts';

describe('writeSafetensors', () => {
  // Byte vectors of the reference's own tests: huggingface/safetensors, safetensors/src/tensor.rs, `test_serialization` and on.
  const six = new Float32Array([0, 1, 2, 3, 4, 5]);
  const text = (bytes: Uint8Array, from: number, to: number) => new TextDecoder().decode(bytes.subarray(from, to));

  it('test_serialization', () => {
    const out = writeSafetensors([{ name: 'attn.0', dtype: 'F32', shape: [1, 2, 3], data: six }]);
    expect([...out.subarray(0, 8)]).toEqual([64, 0, 0, 0, 0, 0, 0, 0]);
    expect(text(out, 8, 72)).toBe('{"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}}');
    expect([...out.subarray(72)]).toEqual([
      0, 0, 0, 0, 0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64, 0, 0, 128, 64, 0, 0, 160, 64,
    ]);
  });

  it('test_serialization_forced_alignement', () => {
    const out = writeSafetensors([{ name: 'attn0', dtype: 'F32', shape: [1, 1, 2, 3], data: six }]);
    expect(out[0]).toBe(72);
    expect(text(out, 8, 80)).toBe('{"attn0":{"dtype":"F32","shape":[1,1,2,3],"data_offsets":[0,24]}}       ');
  });

  it('test_serialization_fp4', () => {
    const out = writeSafetensors([{ name: 'attn.0', dtype: 'F4', shape: [1, 2], data: new Uint8Array(1) }]);
    expect(text(out, 8, 72)).toBe('{"attn.0":{"dtype":"F4","shape":[1,2],"data_offsets":[0,1]}}    ');
    expect(out.length).toBe(73);
  });

  it('test_empty', () => {
    expect([...writeSafetensors([])]).toEqual([8, 0, 0, 0, 0, 0, 0, 0, 123, 125, 32, 32, 32, 32, 32, 32]);
    expect(text(writeSafetensors([], { framework: 'pt' }), 8, 48)).toBe('{"__metadata__":{"framework":"pt"}}     ');
  });

  it('orders by decreasing alignment, then by name in UTF-8 order', () => {
    const one = (name: string, dtype: 'U8' | 'F32' | 'F16') => ({ name, dtype, shape: [0], data: new Uint8Array(0) });
    const out = writeSafetensors([
      one('z', 'F32'),
      one('a', 'U8'),
      one('\u{10000}', 'F32'),
      one('\uffff', 'F32'),
      one('h', 'F16'),
    ]);
    const names = Object.keys(JSON.parse(text(out, 8, out.length)) as object);
    expect(names).toEqual(['z', '\uffff', '\u{10000}', 'h', 'a']);
  });

  it('refuses what it could not read back', () => {
    const data = new Uint8Array(0);
    const write = (name: string, shape: number[]) => writeSafetensors([{ name, dtype: 'U8', shape, data }]);
    expect(() => write('__metadata__', [0])).toThrow(FormatError);
    expect(() => write('a', [-1])).toThrow('cannot be written');
    expect(() => write('a', [0.5])).toThrow('cannot be written');
    expect(() => write('a', [2 ** 40, 2 ** 40])).toThrow('cannot be written');
    expect(() => write('a', [3])).toThrow('0 bytes of data for a shape that takes 3');
    const twice = { name: 'a', dtype: 'U8' as const, shape: [0], data };
    expect(() => writeSafetensors([twice, twice])).toThrow('reserved or taken');
  });

  it('refuses a header over the limit', () => {
    expect(() => writeSafetensors([], { long: 'a'.repeat(100_000_000) })).toThrow('the limit is 100000000');
  });

  it('round trips bit for bit, in memory and streamed in pieces', async () => {
    const tensor = fc
      .record({
        name: fc.string({ unit: 'binary', maxLength: 12 }).filter((name) => name !== '__metadata__'),
        dtype: fc.constantFrom(...SAFETENSORS_DTYPES),
        shape: fc.array(fc.nat(4), { maxLength: 3 }),
        seed: fc.nat(255),
      })
      .filter(
        ({ dtype, shape }) =>
          tensorByteLength(
            dtype,
            shape.reduce((a, b) => a * b, 1),
          ) !== undefined,
      );
    const property = fc.asyncProperty(
      fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 6 }),
      fc.dictionary(fc.string(), fc.string(), { maxKeys: 3, noNullPrototype: true }),
      fc.integer({ min: 1, max: 7 }),
      async (items, metadata, piece) => {
        const tensors = items.map(({ name, dtype, shape, seed }) => {
          const length =
            tensorByteLength(
              dtype,
              shape.reduce((a, b) => a * b, 1),
            ) ?? 0;
          return { name, dtype, shape, data: Uint8Array.from({ length }, (_, i) => (seed + i * 37) % 256) };
        });
        const whole = writeSafetensors(tensors, metadata);
        const source = memorySource('f', whole);
        const header = await readSafetensorsHeader(source);
        expect(header.tensors.size).toBe(tensors.length);
        expect(Object.fromEntries(header.metadata)).toEqual(metadata);
        for (const { name, dtype, shape, data } of tensors) {
          expect(header.tensors.get(name)).toMatchObject({ dtype, shape });
          expect(await readTensor(source, header, name)).toEqual(data);
        }
        const sink = memorySink(layoutSafetensors(tensors, metadata).size);
        const writer = new SafetensorsWriter(sink, tensors, metadata);
        for (let at = 0; tensors.some(({ data }) => at < data.length); at += piece)
          for (const { name, data } of tensors) await writer.append(name, data.subarray(at, at + piece));
        await writer.finish();
        expect(sink.bytes).toEqual(whole);
      },
    );
    expect(await fc.check(property, { numRuns: 200 })).toMatchObject({ failed: false });
  });
});

describe('SafetensorsWriter', () => {
  const declarations = [
    { name: 'a', dtype: 'F32', shape: [2] },
    { name: 'b', dtype: 'F32', shape: [1] },
  ] as const;

  it('refuses undeclared, surplus and missing data', async () => {
    const writer = new SafetensorsWriter(memorySink(1000), declarations, undefined, 'out.safetensors');
    await expect(writer.append('c', new Float32Array(1))).rejects.toThrow(
      'out.safetensors: tensor "c": was not declared',
    );
    await expect(writer.append('a', new Float32Array(3))).rejects.toThrow('more data than its 8 bytes');
    await writer.append('a', new Float32Array(1));
    await expect(writer.finish()).rejects.toThrow('only 4 of 8 bytes were written');
  });

  it('streams in order to a sink that only takes what follows', async () => {
    const chunks: Uint8Array[] = [];
    const writer = new SafetensorsWriter(
      sequentialSink(async (bytes) => {
        chunks.push(bytes.slice());
      }),
      declarations,
    );
    await writer.append('a', new Float32Array([1, 2]));
    await writer.append('b', new Float32Array([3]));
    await writer.finish();
    const whole = new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer());
    expect(whole).toEqual(
      writeSafetensors([
        { ...declarations[0], data: new Float32Array([1, 2]) },
        { ...declarations[1], data: new Float32Array([3]) },
      ]),
    );
    const jumping = new SafetensorsWriter(
      sequentialSink(async () => undefined),
      declarations,
    );
    await expect(jumping.append('b', new Float32Array(1))).rejects.toThrow(RangeError);
  });
});
