/** The container of GGUF files: what Python's `gguf` wrote, what must be refused, and bytes out of place. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FormatError } from './errors.ts';
import { GGUF_FIXTURES, ggufFixture } from './fixtures/gguf-files.ts';
import { openGguf } from './gguf.ts';
import { memorySource } from './memory-source.ts';
import { type TestGgufTensor, writeTestGguf } from './test-gguf.ts';

const open = (bytes: Uint8Array<ArrayBuffer>) => openGguf(memorySource('a.gguf', bytes));
const tensor = (change: Partial<TestGgufTensor> = {}): TestGgufTensor => ({
  name: 'w',
  shape: [2, 32],
  type: 3,
  data: new Uint8Array(40),
  ...change,
});

test('metadata and table of a file that Python wrote', async () => {
  const { metadata, tensors } = await open(ggufFixture('q4_0'));
  expect(metadata.get('general.architecture')).toBe('llama');
  expect(metadata.get('llama.attention.layer_norm_rms_epsilon')).toBe(Math.fround(1e-5));
  expect(metadata.get('tokenizer.ggml.tokens')).toEqual({ elements: 3 });
  expect(tensors.get('token_embd.weight')).toMatchObject({ shape: [131, 32], type: 'Q4_0', bytes: 131 * 18 });
  expect(tensors.get('blk.0.ffn_down.weight')?.shape).toEqual([32, 64]);
  expect(tensors.get('output.weight')?.type).toBe('Q6_K');
  expect(tensors.get('output_norm.weight')).toMatchObject({ shape: [32], type: 'F32' });
});

test('version 2, and an alignment of its own', async () => {
  expect((await open(writeTestGguf({}, [tensor()], { version: 2 }))).tensors.size).toBe(1);
  const aligned = writeTestGguf({ 'general.alignment': { u32: 8 } }, [tensor()]);
  const { tensors } = await open(aligned);
  expect(tensors.get('w')!.offset % 8).toBe(0);
});

test('a header longer than the first read', async () => {
  const text = 'x'.repeat(5_000_000);
  const { metadata, tensors } = await open(writeTestGguf({ long: { text }, list: { list: [1, 2, 3] } }, [tensor()]));
  expect(metadata.get('long')).toHaveLength(5_000_000);
  expect(metadata.get('list')).toEqual({ elements: 3 });
  expect(tensors.get('w')?.bytes).toBe(40);
});

describe('refused', () => {
  const whole = writeTestGguf({}, [tensor()]);
  const cases: readonly (readonly [string, Uint8Array<ArrayBuffer>, RegExp])[] = [
    ['another file', new Uint8Array(100), /a\.gguf: not a GGUF file/],
    ['three bytes', new Uint8Array(3), /not a GGUF file/],
    ['version 1', writeTestGguf({}, [], { version: 1 }), /version 1; 2 and 3/],
    ['big-endian', writeTestGguf({}, [], { version: 0x03000000 }), /big-endian/],
    ['half a header', whole.slice(0, 60), /a\.gguf: its header goes on beyond its end at byte 60/],
    ['half its data', whole.slice(0, -32), /tensor "w": its data lie beyond the end/],
    ['an unknown type', writeTestGguf({}, [tensor({ type: 99 })]), /tensor "w": has the unknown ggml type 99/],
    [
      'rows that fill no blocks',
      writeTestGguf({}, [tensor({ shape: [2, 31] })]),
      /rows of 31 do not fill blocks of 32/,
    ],
    ['a size of nothing', writeTestGguf({}, [tensor({ shape: [0, 32] })]), /impossible shape \[0, 32\]/],
    ['too many dimensions', writeTestGguf({}, [tensor({ shape: [1, 1, 1, 1, 32] })]), /"w" has 5 dimensions/],
    [
      'more elements than numbers can count',
      writeTestGguf({}, [tensor({ shape: [2 ** 40, 2 ** 40, 32] })]),
      /impossible shape/,
    ],
    ['data far away', writeTestGguf({}, [tensor({ offset: 2n ** 52n })]), /beyond the end/],
    ['an impossible offset', writeTestGguf({}, [tensor({ offset: 2n ** 63n })]), /impossible offset/],
    ['an offset between blocks', writeTestGguf({}, [tensor({ offset: 8n })]), /offset 8 is no multiple of 32/],
    ['one name twice', writeTestGguf({}, [tensor(), tensor()]), /"w": occurs twice/],
    ['tensors that overlap', writeTestGguf({}, [tensor(), tensor({ name: 'v', offset: 32n })]), /"v": overlaps/],
    [
      'an alignment of 3',
      writeTestGguf({ 'general.alignment': { u32: 3 } }, []),
      /general\.alignment: must be a power/,
    ],
    ['an alignment in words', writeTestGguf({ 'general.alignment': { text: '32' } }, []), /general\.alignment/],
  ];
  test.each(cases)('%s', async (_, bytes, says) => {
    const failure: unknown = await open(bytes).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(FormatError);
    expect(String(failure)).toMatch(says);
  });

  test('a list that says it is longer than the file, without walking it', async () => {
    const bytes = writeTestGguf({ list: { list: [1, 2] } }, []);
    new DataView(bytes.buffer).setBigUint64(24 + 8 + 4 + 4 + 4, 2n ** 52n, true);
    await expect(open(bytes)).rejects.toThrow(/goes on beyond its end/);
  });
});

describe('fuzzed', () => {
  const judge = async (bytes: Uint8Array<ArrayBuffer>): Promise<boolean> => {
    try {
      const { tensors } = await open(bytes);
      return [...tensors.values()].every(({ offset, bytes: length }) => offset + length <= bytes.length);
    } catch (cause) {
      if (!(cause instanceof FormatError)) throw cause;
      return true;
    }
  };

  test.each(GGUF_FIXTURES)('%s with bytes out of place: read inside the file, or a FormatError', async (name) => {
    const valid = ggufFixture(name);
    const header = 2_000;
    const property = fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(header), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.option(fc.nat(valid.length)),
      (changes, cut) => {
        const bytes = valid.slice(0, cut ?? valid.length);
        for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
        return judge(bytes);
      },
    );
    expect(await fc.check(property, { numRuns: 300 })).toMatchObject({ failed: false });
  });

  test('random bytes after the magic', async () => {
    const property = fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), (rest) =>
      judge(Uint8Array.of(0x47, 0x47, 0x55, 0x46, 3, 0, 0, 0, ...rest)),
    );
    expect(await fc.check(property, { numRuns: 500 })).toMatchObject({ failed: false });
  });
});
