/** How sessions are made on a device, with an ONNX Runtime and a device of our own; the real ones are in `web-backend.gpu.test.ts`. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { memorySource } from '@/formats/memory-source.ts';
import { FakeDevice, stubWebGpu } from './fixtures/fake-device.ts';
import { WebBackend, type WebOrt } from './web-backend.ts';

beforeEach(stubWebGpu);
afterEach(() => void vi.unstubAllGlobals());

const weights = Uint8Array.from({ length: 40 }, (_, i) => i + 1);
const stage = {
  graph: memorySource('stage.onnx', new Uint8Array()),
  data: [{ name: 'stage.data', bytes: memorySource('stage.data', weights) }],
};

/** What a session is made of. */
type Make = (gpu: FakeDevice, file: Uint8Array) => void;

/** An ONNX Runtime that makes its sessions as `makes` say, one after the other. */
function backendWith(...makes: readonly Make[]) {
  const gpu = new FakeDevice();
  const released: number[] = [];
  let made = 0;
  const ort = {
    env: { webgpu: {} },
    InferenceSession: {
      async create(_: Uint8Array, { externalData }: { externalData: readonly { data: Uint8Array }[] }) {
        const number = made;
        made += 1;
        for (const { data } of externalData) makes[number]?.(gpu, data);
        return { inputNames: [`session ${number}`], outputNames: [], release: async () => void released.push(number) };
      },
    },
  };
  const opened = { device: gpu.device, adapter: 'fake', software: true, subgroups: false };
  const backend = new WebBackend(ort as unknown as WebOrt, 'webgpu', opened);
  return { gpu, backend, released, made: () => made };
}

/** As onnxruntime-web 1.31 brings a tensor to a buffer. */
function copies(gpu: FakeDevice, file: Uint8Array, begin: number, end: number, to: GPUBuffer): void {
  const bytes = file.subarray(begin, end);
  const size = 16 * Math.ceil(bytes.byteLength / 16);
  const staging = gpu.createBuffer({ size, usage: 6, mappedAtCreation: true });
  new Uint8Array(staging.getMappedRange()).set(bytes);
  staging.unmap();
  const encoder = gpu.device.createCommandEncoder();
  encoder.copyBufferToBuffer(staging as unknown as GPUBuffer, 0, to, 0, size);
  gpu.device.queue.submit([encoder.finish()]);
}

describe('a session on a device', () => {
  it('gets its weights after it is made', async () => {
    const destination = new FakeDevice().destination(20);
    let then: number[] = [];
    const { backend, made } = backendWith((gpu, file) => {
      copies(gpu, file, 10, 30, destination.buffer);
      then = [...destination.fake.bytes];
    });
    await backend.createSession(stage);
    expect(then).toEqual(Array(32).fill(0));
    expect([...destination.fake.bytes.subarray(0, 20)]).toEqual([...weights.subarray(10, 30)]);
    expect(made()).toBe(1);
  });

  it('is made again from the bytes where a tensor is not for a buffer', async () => {
    const found: number[][] = [];
    const toCpu: Make = (_, file) => void found.push([...file.subarray(4, 8)]);
    const { backend, released } = backendWith(toCpu, toCpu);
    const session = await backend.createSession(stage);
    expect(found).toEqual([[], [5, 6, 7, 8]]);
    expect([released, session.inputNames]).toEqual([[0], ['session 1']]);
  });

  it('is made again where it could not be made without the bytes', async () => {
    const reads: Make = (_, file) => {
      if (file.subarray(0, 4).length === 0) throw new Error('no shape');
    };
    const { backend, released } = backendWith(reads, reads);
    const session = await backend.createSession(stage);
    expect([released, session.inputNames]).toEqual([[], ['session 1']]);
  });

  it('fails as ONNX Runtime does', async () => {
    const { backend, made } = backendWith(() => {
      throw new Error('no such operator');
    });
    await expect(backend.createSession(stage)).rejects.toThrow('no such operator');
    expect(made()).toBe(1);
  });

  it('is released where its weights cannot be read', async () => {
    const { backend, released } = backendWith((gpu, file) =>
      copies(gpu, file, 30, 50, new FakeDevice().destination(20).buffer),
    );
    await expect(backend.createSession(stage)).rejects.toMatchObject({ name: 'FormatError', code: 'truncated' });
    expect(released).toEqual([0]);
  });
});
