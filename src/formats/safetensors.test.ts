import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from './errors.ts';
import type { FormatErrorCode } from './errors.ts';
import { memorySource } from './memory-source.ts';
import {
  MAX_HEADER_BYTES,
  readSafetensorsHeader,
  readTensor,
  readTensorAsFloat32,
  readTensorRows,
  readTensorRowsAsFloat32,
  requireShape,
  SAFETENSORS_DTYPES,
} from './safetensors.ts';
import { writeSafetensors } from './safetensors-writer.ts';

/** A file from a header text (its length computed unless given) and data bytes. */
function file(header: string | Uint8Array, data: number | Uint8Array = 0, declared?: bigint): Uint8Array<ArrayBuffer> {
  const bytes = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const body = typeof data === 'number' ? new Uint8Array(data) : data;
  const result = new Uint8Array(8 + bytes.length + body.length);
  new DataView(result.buffer).setBigUint64(0, declared ?? BigInt(bytes.length), true);
  result.set(bytes, 8);
  result.set(body, 8 + bytes.length);
  return result;
}

const read = (bytes: Uint8Array<ArrayBuffer>) => readSafetensorsHeader(memorySource('f.safetensors', bytes));

async function errorOf(bytes: Uint8Array<ArrayBuffer>): Promise<FormatError> {
  const error: unknown = await read(bytes).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(FormatError);
  return error as FormatError;
}

const I32 = (shape: string, offsets: string) => `{"test":{"dtype":"I32","shape":${shape},"data_offsets":${offsets}}}`;

describe('reject cases of the reference reader', () => {
  // Names as in huggingface/safetensors, safetensors/src/tensor.rs.
  const cases: [string, Uint8Array<ArrayBuffer>, FormatErrorCode, string][] = [
    ['HeaderTooSmall: empty', new Uint8Array(0), 'truncated', '0 bytes'],
    ['HeaderTooSmall: 7 bytes', new Uint8Array(7), 'truncated', '7 bytes'],
    ['HeaderTooLarge', file(I32('[2,2]', '[0,16]'), 16, 0xffffff000000003cn), 'malformed', 'the limit is 100000000'],
    ['HeaderTooLarge by one', file('{}', 0, BigInt(MAX_HEADER_BYTES + 1)), 'malformed', 'the limit is 100000000'],
    ['InvalidHeaderLength', file('', 0, 60n), 'truncated', 'declared to take 60 bytes'],
    ['InvalidHeader: not UTF-8', file(new Uint8Array([0xff])), 'malformed', 'not valid UTF-8'],
    ['invalid start', file('x{}'), 'malformed', 'not valid JSON'],
    ['invalid start: byte-order mark', file('\ufeff{}'), 'malformed', 'not valid JSON'],
    ['invalid JSON', file('{'), 'malformed', 'not valid JSON'],
    ['empty header', file(''), 'malformed', 'not valid JSON'],
    ['text after the object', file('{}x'), 'malformed', 'not valid JSON'],
    ['not an object', file('[]'), 'malformed', 'not a JSON object'],
    ['MetadataIncompleteBuffer: extra bytes', file(I32('[2,2]', '[0,16]'), 50), 'malformed', '34 bytes follow'],
    ['MetadataIncompleteBuffer: missing bytes', file(I32('[2,2]', '[0,16]'), 14), 'truncated', 'its header describes'],
    ['TensorInvalidInfo', file(I32('[2,2]', '[0,4]'), 4), 'malformed', 'takes 16 bytes, but data_offsets span 4'],
    ['ValidationOverflow: shape', file(I32('[2,18446744073709551614]', '[0,16]'), 16), 'malformed', 'overflow'],
    ['ValidationOverflow: elements', file(I32('[2,9223372036854775807]', '[0,16]'), 16), 'malformed', 'overflow'],
    ['ValidationOverflow: product', file(I32('[4503599627370496,8]', '[0,16]'), 16), 'malformed', 'overflow'],
    ['ValidationOverflow: bits', file(I32('[4503599627370496]', '[0,16]'), 16), 'malformed', 'overflow'],
    ['InvalidOffset: hole at the start', file(I32('[2,2]', '[4,20]'), 20), 'malformed', 'hole'],
    ['InvalidOffset: end before begin', file(I32('[2,2]', '[16,0]'), 16), 'malformed', 'end before they begin'],
    ['offset overflow', file(I32('[2,2]', '[0,18446744073709551615]'), 16), 'malformed', 'overflow'],
    ['offset near 2^53', file(I32('[0]', '[9007199254740991,9007199254740991]')), 'malformed', 'overflow'],
    [
      'MisalignedSlice',
      file('{"test":{"dtype":"F4","shape":[1,3],"data_offsets":[0,2]}}', 2),
      'malformed',
      'whole bytes',
    ],
    ['unknown dtype', file('{"test":{"dtype":"F128","shape":[],"data_offsets":[0,16]}}', 16), 'unsupported', '"F128"'],
    [
      'dtype of Object.prototype',
      file('{"test":{"dtype":"toString","shape":[0],"data_offsets":[0,0]}}'),
      'unsupported',
      'toString',
    ],
    ['missing dtype', file('{"test":{"shape":[0],"data_offsets":[0,0]}}'), 'unsupported', 'nothing'],
    ['missing shape', file('{"test":{"dtype":"I8","data_offsets":[0,0]}}'), 'malformed', 'shape'],
    ['missing offsets', file('{"test":{"dtype":"I8","shape":[0]}}'), 'malformed', 'data_offsets'],
    ['one offset', file(I32('[0]', '[0]')), 'malformed', 'two whole numbers'],
    ['three offsets', file(I32('[0]', '[0,0,0]')), 'malformed', 'two whole numbers'],
    ['negative size', file(I32('[-1]', '[0,4]'), 4), 'malformed', 'not -1'],
    ['negative offset', file(I32('[1]', '[-4,0]')), 'malformed', 'not -4'],
    ['decimal size', file(I32('[2.0]', '[0,8]'), 8), 'malformed', 'whole numbers'],
    ['exponent size', file(I32('[2e0]', '[0,8]'), 8), 'malformed', 'whole numbers'],
    ['size as a text', file(I32('["2"]', '[0,8]'), 8), 'malformed', 'whole numbers'],
    ['size null', file(I32('[null]', '[0,8]'), 8), 'malformed', 'whole numbers'],
    ['entry is no object', file('{"test":3}'), 'malformed', 'must be an object'],
    ['metadata not an object', file('{"__metadata__":[]}'), 'malformed', '__metadata__'],
    ['metadata value not a text', file('{"__metadata__":{"format":1}}'), 'malformed', '__metadata__.format'],
    ['duplicate metadata', file('{"__metadata__":{},"__metadata__":{}}'), 'malformed', 'occurs twice'],
    [
      'duplicate key in an entry',
      file('{"test":{"dtype":"I8","dtype":"I8","shape":[0],"data_offsets":[0,0]}}'),
      'malformed',
      'occurs twice',
    ],
    [
      'half a surrogate pair',
      file('{"\\ud800":{"dtype":"I8","shape":[0],"data_offsets":[0,0]}}'),
      'malformed',
      'surrogate',
    ],
    ['nested too deep', file(`{"a":${'['.repeat(100_000)}`), 'malformed', 'nested deeper'],
  ];
  it.each(cases)('%s', async (_name, bytes, code, message) => {
    const error = await errorOf(bytes);
    expect(error.message).toContain(message);
    expect(error.code).toBe(code);
    expect(error.where).toMatch(/^f\.safetensors/);
  });

  it('names the tensor', async () => {
    const error = await errorOf(file(I32('[2,2]', '[0,4]'), 4));
    expect(error.where).toBe('f.safetensors: tensor "test"');
  });

  it('overlapping tensors (the JSON attack of the reference)', async () => {
    const entries = Array.from(
      { length: 10 },
      (_, i) => `"weight_${i}":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}`,
    );
    const error = await errorOf(file(`{${entries.join(',')}}`, 16));
    expect(error.message).toContain('tensors overlap');
  });

  it('partly overlapping tensors and holes between tensors', async () => {
    const pair = (offsets: string) =>
      `{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":${offsets}}}`;
    expect((await errorOf(file(pair('[2,6]'), 6))).message).toContain('overlap');
    expect((await errorOf(file(pair('[5,9]'), 9))).message).toContain('hole');
    expect((await errorOf(file(pair('[5,9]'), 9))).where).toContain('"b"');
  });

  it('a tensor name that occurs twice, which the reference lets the last one win', async () => {
    const entry = '"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}';
    expect((await errorOf(file(`{${entry},${entry}}`, 4))).message).toContain('key "a" occurs twice');
  });
});

describe('accept cases of the reference reader', () => {
  it.each([
    ['no tensors', file('{}')],
    ['trailing padding', file('{}\r \t\n')],
    ['leading padding', file('\t\n{}\r ')],
    ['metadata', file('{"__metadata__":{"format":"pt"}}')],
    ['metadata null', file('{"__metadata__":null}')],
  ])('%s', async (_name, bytes) => {
    expect((await read(bytes)).tensors.size).toBe(0);
  });

  it('scalars, zero sizes, unknown keys in an entry, any order, names that are JavaScript words', async () => {
    // `c` before `b`: a zero-size tensor that begins where the next one begins comes first whatever the header's order.
    const header =
      '{"c":{"dtype":"BOOL","shape":[3],"data_offsets":[4,7]},"__proto__":{"dtype":"I32","shape":[],"data_offsets":[0,4]},' +
      '"b":{"dtype":"F64","shape":[2,0],"data_offsets":[4,4],"note":1.5}}';
    const { tensors, dataBegin } = await read(file(header, 7));
    expect([...tensors.keys()]).toEqual(['__proto__', 'b', 'c']);
    expect(tensors.get('__proto__')).toMatchObject({
      shape: [],
      elementCount: 1,
      begin: dataBegin,
      end: dataBegin + 4,
    });
    expect(tensors.get('b')).toMatchObject({ elementCount: 0, dtype: 'F64' });
  });

  it('every dtype, with sub-byte ones filling whole bytes', async () => {
    for (const dtype of SAFETENSORS_DTYPES) {
      const bytes = writeSafetensors([{ name: 't', dtype, shape: [8], data: new Uint8Array(bytesOf8(dtype)) }]);
      expect((await read(bytes)).tensors.get('t')?.dtype).toBe(dtype);
    }
  });
});

function bytesOf8(dtype: string): number {
  const bits: Record<string, number> = { F4: 4, F6_E2M3: 6, F6_E3M2: 6, C64: 64, BF16: 16, BOOL: 8 };
  return bits[dtype] ?? Number(/\d+/.exec(dtype)?.[0]);
}

describe('reading tensors', () => {
  const f16 = new Uint16Array([0x3c00, 0xc000, 0x7c00, 0x0001, 0x8000, 0x3555]);
  const bf16 = new Uint16Array([0x3f80, 0xc000, 0x7f80, 0x0001, 0x8000, 0x3eab]);
  const bytes = writeSafetensors([
    { name: 'f32', dtype: 'F32', shape: [3, 2], data: new Float32Array([1, -2, 3.5, Number.NaN, -0, 1e-45]) },
    { name: 'f16', dtype: 'F16', shape: [2, 3], data: f16 },
    { name: 'bf16', dtype: 'BF16', shape: [6], data: bf16 },
    { name: 'f64', dtype: 'F64', shape: [2], data: new Float64Array([1 + 2 ** -24, 1 + 3 * 2 ** -24]) },
    { name: 'i8', dtype: 'I8', shape: [3], data: new Int8Array([1, 2, 3]) },
    { name: 'scalar', dtype: 'F32', shape: [], data: new Float32Array([7]) },
    { name: 'odd', dtype: 'F4', shape: [2, 1], data: new Uint8Array([1]) },
  ]);
  const source = memorySource('f.safetensors', bytes);

  it('as stored', async () => {
    const header = await readSafetensorsHeader(source);
    expect([...(await readTensor(source, header, 'i8'))]).toEqual([1, 2, 3]);
  });

  it('as f32, exactly, with F64 rounded to nearest even', async () => {
    const header = await readSafetensorsHeader(source);
    const as = (name: string) => readTensorAsFloat32(source, header, name);
    expect(await as('f32')).toEqual(new Float32Array([1, -2, 3.5, Number.NaN, -0, 1e-45]));
    expect(await as('f16')).toEqual(new Float32Array([1, -2, Infinity, 2 ** -24, -0, 0.333251953125]));
    expect(await as('bf16')).toEqual(new Float32Array([1, -2, Infinity, 2 ** -133, -0, 0.333984375]));
    expect(await as('f64')).toEqual(new Float32Array([1, 1 + 2 ** -22]));
    await expect(as('i8')).rejects.toThrow('f.safetensors: tensor "i8": is I8 where F32, F16, BF16 or F64 is expected');
    await expect(as('none')).rejects.toThrow('f.safetensors: tensor "none": is not in this file');
  });

  it('by rows', async () => {
    const header = await readSafetensorsHeader(source);
    expect(await readTensorRowsAsFloat32(source, header, 'f16', 1, 1)).toEqual(
      new Float32Array([2 ** -24, -0, 0.333251953125]),
    );
    expect(new Float32Array((await readTensorRows(source, header, 'f32', 0, 2)).buffer)).toEqual(
      new Float32Array([1, -2, 3.5, Number.NaN]),
    );
    expect((await readTensorRows(source, header, 'f32', 3, 0)).length).toBe(0);
    expect(() => readTensorRows(source, header, 'f32', 2, 2)).toThrow('has 3 rows, not rows 2 to 3');
    expect(() => readTensorRows(source, header, 'scalar', 0, 1)).toThrow('is a scalar');
    expect(() => readTensorRows(source, header, 'odd', 0, 1)).toThrow('do not fill whole bytes');
  });

  it('with shapes that must fit', async () => {
    const header = await readSafetensorsHeader(source);
    expect(() => requireShape(header, 'f32', [2, 3])).toThrow('has shape [3, 2] where [2, 3] is expected');
    expect(requireShape(header, 'f32', [3, 2]).dtype).toBe('F32');
  });
});

describe('fuzzing', () => {
  const valid = writeSafetensors(
    [
      { name: 'w', dtype: 'F32', shape: [2, 2], data: new Float32Array(4) },
      { name: 'b', dtype: 'BF16', shape: [3], data: new Uint16Array(3) },
    ],
    { format: 'pt' },
  );
  /** Shortest of several runs: a busy machine delays one run, not the same one three times. */
  const shortestMs = async (work: () => Promise<unknown>) => {
    let shortest = Infinity;
    for (let run = 0; run < 5 && shortest > 100; run++) {
      const began = performance.now();
      await work();
      shortest = Math.min(shortest, performance.now() - began);
    }
    return shortest;
  };
  /** True when the file is read and tiles, or is refused with a FormatError; anything else throws. */
  const judgeOnce = async (bytes: Uint8Array<ArrayBuffer>) => {
    try {
      const header = await read(bytes);
      let at = header.dataBegin;
      for (const { begin, end } of header.tensors.values()) {
        if (begin !== at) return false;
        at = end;
      }
      return at === bytes.length;
    } catch (cause) {
      if (!(cause instanceof FormatError)) throw cause;
      return true;
    }
  };
  const judge = async (bytes: Uint8Array<ArrayBuffer>) => {
    let sound = true;
    const ms = await shortestMs(async () => {
      sound = await judgeOnce(bytes);
    });
    return sound && ms <= 100;
  };

  it('random bytes end in a FormatError', async () => {
    const property = fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), (bytes) => judge(new Uint8Array(bytes)));
    expect(await fc.check(property, { numRuns: 500 })).toMatchObject({ failed: false });
  });

  it('flipped, inserted and cut bytes end in a FormatError or a file that tiles', async () => {
    const property = fc.asyncProperty(
      fc.nat(valid.length - 1),
      fc.nat(255),
      fc.nat(valid.length),
      fc.boolean(),
      (at, byte, cut, whole) => {
        const bytes = valid.slice(0, whole ? valid.length : cut);
        if (at < bytes.length) bytes[at] = byte;
        return judge(bytes);
      },
    );
    expect(await fc.check(property, { numRuns: 1000 })).toMatchObject({ failed: false });
  });

  it('headers of random JSON end in a FormatError', async () => {
    const entry = fc.record(
      {
        dtype: fc.oneof(fc.constantFrom(...SAFETENSORS_DTYPES), fc.string()),
        shape: fc.oneof(fc.array(fc.oneof(fc.nat(5), fc.maxSafeInteger(), fc.double())), fc.jsonValue()),
        data_offsets: fc.oneof(fc.tuple(fc.nat(40), fc.nat(40)), fc.jsonValue()),
      },
      { requiredKeys: [] },
    );
    const header = fc.dictionary(fc.oneof(fc.constant('__metadata__'), fc.string()), fc.oneof(entry, fc.jsonValue()));
    const property = fc.asyncProperty(header, fc.nat(64), (value, size) => judge(file(JSON.stringify(value), size)));
    expect(await fc.check(property, { numRuns: 1000 })).toMatchObject({ failed: false });
  });

  it('a header of two thousand tensors is read, and one with a hole rejected, within 100 ms', async () => {
    const count = 2000;
    const entries = Array.from(
      { length: count },
      (_, i) => `"model.layers.${i}.weight":{"dtype":"F32","shape":[1,1],"data_offsets":[${i * 4},${i * 4 + 4}]}`,
    );
    const good = file(`{${entries.join(',')}}`, count * 4);
    expect((await read(good)).tensors.size).toBe(count);
    expect(await shortestMs(() => read(good))).toBeLessThan(100);
    entries.splice(1000, 1);
    const bad = file(`{${entries.join(',')}}`, count * 4);
    expect((await errorOf(bad)).message).toContain('hole');
    expect(await shortestMs(() => errorOf(bad))).toBeLessThan(100);
  });
});
