import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ByteSource } from '@/formats/byte-source.ts';
import { memorySource } from '@/formats/memory-source.ts';
import type { FoldedConstant } from '@/formats/onnx/folded-constants.ts';
import { FakeDevice, FakeEncoder, stubWebGpu } from './fixtures/fake-device.ts';
import { WantedList, WeightUploader, type WantedWeights } from './weight-upload.ts';

beforeEach(stubWebGpu);
afterEach(() => void vi.unstubAllGlobals());

const anyTime = <T>(promise: Promise<T>): Promise<T> => promise;

describe('WantedList', () => {
  /** As onnxruntime-web 1.31 uploads a tensor. */
  function uploadAsOrt(gpu: FakeDevice, file: Uint8Array, begin: number, end: number, buffer: GPUBuffer): void {
    const bytes = file.subarray(begin, end);
    const size = 16 * Math.ceil(bytes.byteLength / 16);
    const staging = gpu.createBuffer({ size, usage: 6, mappedAtCreation: true });
    new Uint8Array(staging.getMappedRange()).set(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    staging.unmap();
    const encoder = gpu.device.createCommandEncoder();
    encoder.copyBufferToBuffer(staging as unknown as GPUBuffer, 0, buffer, 0, size);
    gpu.device.queue.submit([encoder.finish()]);
    staging.destroy();
  }

  it('knows which bytes are wanted where, in the order in which they were asked for', () => {
    const gpu = new FakeDevice();
    const list = new WantedList(gpu.device);
    const a = list.file('a.data', 100).data;
    const b = list.file('b.data', 50).data;
    expect([a instanceof Uint8Array, a.byteLength, b.byteLength]).toEqual([true, 100, 50]);
    const [first, second] = [gpu.destination(20), gpu.destination(8)];
    uploadAsOrt(gpu, a, 40, 60, first.buffer);
    // What else is encoded is none of its business.
    const other = gpu.device.createCommandEncoder() as unknown as FakeEncoder;
    expect(Object.keys(other)).toEqual(['copies']);
    uploadAsOrt(gpu, b, 0, 8, second.buffer);
    list.stop();
    expect(list.wanted).toEqual([
      { path: 'a.data', offset: 40, length: 20, buffer: first.buffer },
      { path: 'b.data', offset: 0, length: 8, buffer: second.buffer },
    ]);
    expect(Object.keys(gpu)).not.toContain('createCommandEncoder');
  });

  const buffer = () => new FakeDevice().destination(4).buffer;
  it.each<[string, (gpu: FakeDevice, file: Uint8Array) => void]>([
    ['the last is not copied', (_, file) => void file.subarray(0, 4)],
    [
      'one is not copied before the next is asked for',
      (gpu, file) => {
        file.subarray(0, 4);
        uploadAsOrt(gpu, file, 4, 8, buffer());
      },
    ],
    [
      'an encoder copies nothing',
      (gpu, file) => {
        file.subarray(0, 4);
        gpu.device.createCommandEncoder().finish();
      },
    ],
    [
      'an encoder copies twice',
      (gpu, file) => {
        file.subarray(0, 4);
        const encoder = gpu.device.createCommandEncoder();
        for (const to of [buffer(), buffer()]) encoder.copyBufferToBuffer(buffer(), 0, to, 0, 0);
      },
    ],
    [
      'a copy does not go to a buffer',
      (gpu, file) => {
        file.subarray(0, 4);
        const encoder = gpu.device.createCommandEncoder();
        encoder.copyBufferToBuffer(buffer(), 0, {} as GPUBuffer, 0, 0);
      },
    ],
  ])('does not know where %s', (_, ask) => {
    const gpu = new FakeDevice();
    const list = new WantedList(gpu.device);
    ask(gpu, list.file('a.data', 100).data);
    list.stop();
    expect(list.wanted).toBeUndefined();
  });
});

describe('WeightUploader', () => {
  const stored = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7 + 3) % 251);

  /** A file that notes what is read of it. */
  function watched(name: string, bytes: Uint8Array<ArrayBuffer> = stored) {
    const reads: [number, number][] = [];
    let closed = 0;
    const source: ByteSource = {
      ...memorySource(name, bytes),
      openForward: async () => ({
        async fill(offset, target, signal) {
          signal?.throwIfAborted();
          reads.push([offset, target.length]);
          target.set(bytes.subarray(offset, offset + target.length));
        },
        close: () => void (closed += 1),
      }),
    };
    return { source, reads, closed: () => closed };
  }
  const wantedOf = (gpu: FakeDevice, path: string, offset: number, length: number) => {
    const { fake, buffer } = gpu.destination(length);
    const wanted: WantedWeights = { path, offset, length, buffer };
    return { fake, wanted };
  };

  it('reads every file once from front to back, whatever the order of the tensors', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 0, max: 49 }), { minLength: 1, maxLength: 30 }),
        async (places) => {
          const gpu = new FakeDevice();
          const file = watched('a.data');
          const tensors = places.map((place) => wantedOf(gpu, 'a.data', place * 20, 1 + (place % 20)));
          const files = { data: [{ name: 'a.data', bytes: file.source }] };
          await new WeightUploader(gpu.device, anyTime).upload(
            tensors.map(({ wanted }) => wanted),
            files,
          );
          for (const { fake, wanted } of tensors)
            expect([...fake.bytes.subarray(0, wanted.length)]).toEqual([
              ...stored.subarray(wanted.offset, wanted.offset + wanted.length),
            ]);
          const offsets = file.reads.map(([offset]) => offset);
          expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
          expect([file.closed(), gpu.made.every(({ destroyed }) => destroyed)]).toEqual([1, true]);
        },
      ),
    );
  });

  /** Bytes of two ranges, added. */
  function sumConstant(a: ByteSource, b: ByteSource): FoldedConstant {
    return {
      offset: 64,
      length: 8,
      ranges: [
        { source: a, offset: 100, length: 8 },
        { source: b, offset: 4, length: 8 },
      ],
      compute([first, second], target) {
        for (const i of target.keys()) target[i] = (first?.[i] ?? 0) + (second?.[i] ?? 0);
      },
    };
  }

  it('computes constants as soon as what they are made of was read, and reads that once', async () => {
    const gpu = new FakeDevice();
    const [a, b] = [watched('a.data'), watched('b.data', stored.toReversed())];
    const sum = sumConstant(a.source, b.source);
    const same: FoldedConstant = {
      offset: 0,
      length: 8,
      ranges: sum.ranges.slice(0, 1),
      compute: ([first], target) => target.set(first ?? []),
    };
    const tensors = [
      wantedOf(gpu, 'constants', 64, 8),
      wantedOf(gpu, 'b.data', 400, 40),
      wantedOf(gpu, 'constants', 0, 8),
      wantedOf(gpu, 'a.data', 0, 90),
    ];
    await new WeightUploader(gpu.device, anyTime).upload(
      tensors.map(({ wanted }) => wanted),
      {
        data: [
          { name: 'a.data', bytes: a.source },
          { name: 'b.data', bytes: b.source },
        ],
        constants: { name: 'constants', tensors: [same, sum] },
      },
    );
    const reversed = stored.toReversed();
    const expected = [
      Uint8Array.from({ length: 8 }, (_, i) => (stored[100 + i] ?? 0) + (reversed[4 + i] ?? 0)),
      reversed.subarray(400, 440),
      stored.subarray(100, 108),
      stored.subarray(0, 90),
    ];
    expect(tensors.map(({ fake, wanted }) => [...fake.bytes.subarray(0, wanted.length)])).toEqual(
      expected.map((bytes) => [...bytes]),
    );
    expect([a.reads, b.reads]).toEqual([
      [
        [0, 90],
        [100, 8],
      ],
      [
        [4, 8],
        [400, 40],
      ],
    ]);
  });

  it('cuts a constant that is longer than what goes to the device at a time', async () => {
    const gpu = new FakeDevice();
    const length = 20 * 1024 * 1024;
    let computed = 0;
    const source = memorySource('a.data', stored);
    const long: FoldedConstant = {
      offset: 0,
      length,
      ranges: [{ source, offset: 0, length: 4 }],
      compute(_, target) {
        computed += 1;
        new Uint32Array(target.buffer, target.byteOffset, target.length / 4).forEach((__, i, values) => {
          values[i] = i;
        });
      },
    };
    const { fake, wanted } = wantedOf(gpu, 'constants', 0, length);
    await new WeightUploader(gpu.device, anyTime).upload([wanted], {
      data: [{ name: 'a.data', bytes: source }],
      constants: { name: 'constants', tensors: [long] },
    });
    const values = new Uint32Array(fake.bytes.buffer, 0, length / 4);
    expect(values.every((value, i) => value === i)).toBe(true);
    expect(computed).toBe(1);
  });

  it('stops where it is aborted or a file cannot be read, and lets everything go', async () => {
    const gpu = new FakeDevice();
    const file = watched('a.data');
    const files = { data: [{ name: 'a.data', bytes: file.source }] };
    const uploader = new WeightUploader(gpu.device, anyTime);
    const { wanted } = wantedOf(gpu, 'a.data', 0, 10);
    const { wanted: second } = wantedOf(gpu, 'a.data', 20, 10);
    const reason = new Error('enough');
    await expect(uploader.upload([wanted], files, AbortSignal.abort(reason))).rejects.toBe(reason);
    const stopping = new AbortController();
    const source: ByteSource = {
      ...file.source,
      openForward: async () => {
        const opened = await file.source.openForward!();
        return {
          ...opened,
          async fill(...call) {
            await opened.fill(...call);
            stopping.abort(reason);
          },
        };
      },
    };
    const stopped = uploader.upload([wanted, second], { data: [{ name: 'a.data', bytes: source }] }, stopping.signal);
    await expect(stopped).rejects.toBe(reason);
    expect([file.closed(), file.reads]).toEqual([1, [[0, 10]]]);
    const broken = memorySource('a.data', stored.slice(0, 25));
    await expect(
      uploader.upload([wanted, second], { data: [{ name: 'a.data', bytes: broken }] }),
    ).rejects.toMatchObject({ name: 'FormatError', code: 'truncated' });
    expect(gpu.made.every(({ destroyed }) => destroyed)).toBe(true);
  });

  it('says when what is wanted is not there', async () => {
    const gpu = new FakeDevice();
    const uploader = new WeightUploader(gpu.device, anyTime);
    const data = [{ name: 'a.data', bytes: memorySource('a.data', stored) }];
    await expect(uploader.upload([wantedOf(gpu, 'b.data', 0, 4).wanted], { data })).rejects.toThrow(
      'there is no data file b.data',
    );
    const constants = { name: 'constants', tensors: [] };
    await expect(uploader.upload([wantedOf(gpu, 'constants', 0, 4).wanted], { data, constants })).rejects.toThrow(
      'no constant lies at 0 of constants',
    );
  });
});
