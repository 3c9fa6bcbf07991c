/**
 * `.pt` files. In fixtures/torch, those named torch-… are PyTorch's own; the others hold pickles that CPython's pickler wrote (protocols
 * 2 and 4) with PyTorch's persistent ids and functions, inside archives of Python's zipfile. The rest is made here, byte by byte.
 */
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FormatError } from './errors.ts';
import { memorySource } from './memory-source.ts';
import { readPickle } from './pickle.ts';
import { storedZip } from './test-zip.ts';
import { isTorchFile, openTorchFile } from './torch-file.ts';
import { writeSafetensors } from './safetensors-writer.ts';

const fixture = (name: string) => new Uint8Array(readFileSync(new URL(`./fixtures/torch/${name}`, import.meta.url)));
const source = (bytes: Uint8Array<ArrayBuffer>) => memorySource('gate.pt', bytes);
const text = (value: string) => new TextEncoder().encode(value);
const bytes = (...values: (number | string)[]) =>
  Uint8Array.from(values.flatMap((value) => (typeof value === 'number' ? [value] : [...text(value)])));

async function tensors(file: Uint8Array<ArrayBuffer>): Promise<Record<string, { shape: number[]; values: number[] }>> {
  const found: Record<string, { shape: number[]; values: number[] }> = {};
  for (const [name, { shape, readAsFloat32 }] of await openTorchFile(source(file)))
    found[name] = { shape: [...shape], values: [...(await readAsFloat32())] };
  return found;
}

describe('what PyTorch writes', () => {
  test.each(['state-dict-protocol-2.pt', 'state-dict-protocol-4.pt'])('%s', async (name) => {
    expect(await tensors(fixture(name))).toEqual({
      logit_scale: { shape: [1], values: [1.5] },
      'layers.0.weight': { shape: [2, 3], values: [1, 2, 3, 4, 5, 6] },
      'layers.0.bias': { shape: [2], values: [1, -2] },
    });
  });

  test('a transposed tensor is read by its strides', async () => {
    expect(await tensors(fixture('transposed.pt'))).toEqual({ weight: { shape: [3, 2], values: [1, 4, 2, 5, 3, 6] } });
  });

  test('is told from safetensors by its first bytes', async () => {
    expect(await isTorchFile(source(fixture('transposed.pt')))).toBe(true);
    // A header of 0x280 bytes begins like a pickle of protocol 2.
    const names = Array.from({ length: 9 }, (_, i) => `a${i}`.padEnd(9, 'x'));
    const plain = names.map((name) => ({ name, dtype: 'F32' as const, shape: [1], data: Float32Array.of(1) }));
    for (let pad = 0; pad < 64; pad++) {
      const file = writeSafetensors(plain, { pad: 'x'.repeat(pad) });
      expect(await isTorchFile(source(file))).toBe(false);
    }
    expect(await isTorchFile(source(new Uint8Array(0)))).toBe(false);
  });
});

describe('files of PyTorch 2.15 (fixtures/torch/README.md)', () => {
  type Expected = Record<string, Record<string, { readonly shape: number[]; readonly values: string }>>;
  // Our own fixture: its shape is part of the tree.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { files } = JSON.parse(new TextDecoder().decode(fixture('torch-files.json'))) as { files: Expected };

  test.each(Object.entries(files))('%s', async (name, expected) => {
    const found = await tensors(fixture(name));
    expect(Object.keys(expected).filter((key) => !(key in found))).toEqual([]);
    for (const [key, { shape, values }] of Object.entries(expected)) {
      const floats = new Float32Array(Uint8Array.from(Buffer.from(values, 'base64')).buffer);
      expect(found[key], key).toEqual({ shape, values: [...floats] });
    }
  });

  test.each([
    ['torch-refused-negated.pt', /tensor with neg set.*resolve_neg/],
    ['torch-refused-protocol-1.pt', /pickle of protocol 0 or 1.*without pickle_protocol/],
    ['torch-refused-module.pt', /"stage2\.GatingNetwork".*torch\.save\(model\.state_dict/],
    ['torch-refused-old-format.pt', /before version 1\.6/],
  ])('%s', async (name, says) => {
    await expect(tensors(fixture(name))).rejects.toBeInstanceOf(FormatError);
    await expect(tensors(fixture(name))).rejects.toThrow(says);
  });
});

/** A tensor `weight` over one storage, as a pickle of protocol 2. */
function tensorPickle({
  type = 'FloatStorage',
  shape = [2],
  strides = [1],
  elements = 2,
  offset = 0,
} = {}): Uint8Array {
  const tuple = (values: readonly number[]) => bytes('(', ...values.flatMap((value) => [0x4b, value]), 't');
  return bytes(
    0x80,
    2,
    '}',
    'X',
    6,
    0,
    0,
    0,
    'weight',
    'ctorch._utils\n_rebuild_tensor_v2\n',
    '(',
    '(',
    'X',
    7,
    0,
    0,
    0,
    'storage',
    `ctorch\n${type}\n`,
    'X',
    1,
    0,
    0,
    0,
    '0',
    'X',
    3,
    0,
    0,
    0,
    'cpu',
    'K',
    elements,
    't',
    'Q',
    'K',
    offset,
    ...tuple(shape),
    ...tuple(strides),
    0x89,
    'N',
    't',
    'R',
    's',
    '.',
  );
}
const archive = (pickle: Uint8Array, data = new Uint8Array(8), extra: [string, Uint8Array][] = []) =>
  storedZip([['archive/data.pkl', pickle], ['archive/data/0', data], ...extra]);

describe('what is refused, and how', () => {
  const cases: [string, Uint8Array<ArrayBuffer>, RegExp][] = [
    [
      'the format before 1.6',
      bytes(0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'),
      /before version 1\.6/,
    ],
    ['a bare pickle', bytes(0x80, 4, 'N', '.'), /bare Python pickle/],
    ['a tar', bytes(...Array.from({ length: 257 }, () => 0x61), 'ustar', 0), /tar format/],
    ['something else', bytes('hello, this is no archive'), /not a PyTorch file/],
    ['a zip of other things', storedZip([['a.txt', text('x')]]), /no data\.pkl/],
    ['TorchScript', archive(tensorPickle(), undefined, [['archive/constants.pkl', text('x')]]), /TorchScript/],
    ['big-endian', archive(tensorPickle(), undefined, [['archive/byteorder', text('big')]]), /big-endian/],
    ['no tensor', archive(bytes(0x80, 2, '}', '.')), /holds no tensor/],
    [
      'a call of os.system',
      archive(bytes(0x80, 2, 'cos\nsystem\n', 'X', 2, 0, 0, 0, 'ls', 0x85, 'R', '.')),
      /"os\.system", which is not on the list/,
    ],
    [
      'a name built on the stack',
      archive(bytes(0x80, 4, 0x8c, 8, 'builtins', 0x8c, 4, 'eval', 0x93, '.')),
      /"builtins\.eval"/,
    ],
    ['an instruction outside the list', archive(bytes(0x80, 2, 'I1\n', '.')), /instruction 0x49 is not one/],
    ['attributes of no dict', archive(bytes(0x80, 2, 'K', 1, '}', 'b', '.')), /sets attributes of something/],
    ['a cut-off pickle', archive(tensorPickle().slice(0, 40)), /middle of an instruction|has no end/],
    ['a stack that is empty', archive(bytes(0x80, 2, '.')), /empty stack/],
    ['a recall of nothing', archive(bytes(0x80, 2, 'h', 7, '.')), /recalls number 7/],
    ['a pickle of the future', archive(bytes(0x80, 9, 'N', '.')), /protocol 9/],
    ['integers', archive(tensorPickle({ type: 'LongStorage' })), /holds Long, not floating point/],
    ['missing data', storedZip([['archive/data.pkl', tensorPickle()]]), /"data\/0"\) is not in the archive/],
    ['too little data', archive(tensorPickle(), new Uint8Array(4)), /has 4 bytes for 2 numbers/],
    ['a shape beyond its numbers', archive(tensorPickle({ shape: [3] })), /shape \[3\] goes beyond its 2 numbers/],
    ['an offset beyond its numbers', archive(tensorPickle({ offset: 1 })), /goes beyond/],
    ['a stride of zero that repeats', archive(tensorPickle({ shape: [200], strides: [0] })), /goes beyond/],
  ];
  test.each(cases)('%s', async (_name, file, says) => {
    const reading = tensors(file);
    await expect(reading).rejects.toBeInstanceOf(FormatError);
    await expect(tensors(file)).rejects.toThrow(says);
  });

  test.each<[string, (file: Uint8Array<ArrayBuffer>, view: DataView) => Uint8Array<ArrayBuffer>, RegExp]>([
    ['cut off at the end', (file) => file.slice(0, -30), /cut off|no whole zip/],
    [
      'a compressed entry',
      (file, view) => (view.setUint16(centralAt(file) + 10, 8, true), file),
      /compressed \(method 8\)/,
    ],
    ['an encrypted entry', (file, view) => (view.setUint16(centralAt(file) + 8, 1, true), file), /encrypted/],
    [
      'an entry beyond the file',
      (file, view) => (view.setUint32(centralAt(file) + 42, 0x7fff_0000, true), file),
      /does not fit/,
    ],
    [
      'local data elsewhere',
      (file, view) => (view.setUint32(centralAt(file) + 42, 7, true), file),
      /not where the directory says/,
    ],
    [
      'a directory elsewhere',
      (file, view) => (view.setUint32(file.length - 6, 1, true), file),
      /not where it should be|does not fit/,
    ],
  ])('a damaged archive: %s', async (_name, damage, says) => {
    const file = Uint8Array.from(archive(tensorPickle()));
    const damaged = damage(file, new DataView(file.buffer));
    await expect(tensors(damaged)).rejects.toThrow(says);
    await expect(tensors(damaged)).rejects.toBeInstanceOf(FormatError);
  });

  test('an entry that occurs twice', async () => {
    const twice = storedZip([
      ['archive/data.pkl', tensorPickle()],
      ['archive/data.pkl', tensorPickle()],
    ]);
    await expect(tensors(twice)).rejects.toThrow(/occurs twice/);
  });
});

function centralAt(file: Uint8Array): number {
  return new DataView(file.buffer).getUint32(file.length - 6, true);
}

describe('fuzzed', () => {
  const onlyTyped = async (work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      expect(error).toBeInstanceOf(FormatError);
    }
  };

  test('bytes changed, cut or put in: tensors or a typed error, nothing else', async () => {
    const files = [
      'state-dict-protocol-2.pt',
      'state-dict-protocol-4.pt',
      'transposed.pt',
      'torch-shared-storage.pt',
      'torch-with-optimizer-protocol-5.pt',
    ].map(fixture);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...files),
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 6 }),
        fc.option(fc.nat()),
        async (file, edits, cut) => {
          const changed = Uint8Array.from(file);
          for (const [at, value] of edits) changed[at % changed.length] = value;
          await onlyTyped(() => tensors(cut === null ? changed : changed.slice(0, cut % changed.length)));
        },
      ),
      { numRuns: 600 },
    );
  });

  test('any bytes as a pickle', async () => {
    const opcode = fc.constantFrom(
      ...bytes('(}])NKMJGXqhrjctQRbsuae0', 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x93, 0x94, 0x95, '.'),
    );
    const program = fc.array(fc.oneof(opcode, fc.nat({ max: 255 }), fc.constantFrom(0, 1, 2)), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(program, (values) => onlyTyped(async () => readPickle('x', Uint8Array.from(values)))),
      { numRuns: 3000 },
    );
  });
});
