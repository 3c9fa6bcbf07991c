import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeDevice, stubWebGpu } from './fixtures/fake-device.ts';
import { StagingRing } from './staging-ring.ts';

beforeEach(stubWebGpu);
afterEach(() => void vi.unstubAllGlobals());

const anyTime = <T>(promise: Promise<T>): Promise<T> => promise;
const soon = () => new Promise((resolve) => setTimeout(resolve, 2));

/** Bytes that tell tensors and places apart. */
const content = (tensor: number, length: number) =>
  Uint8Array.from({ length }, (_, i) => (tensor * 37 + i * 11 + 1) % 256);

const filler = (bytes: Uint8Array) => async (offset: number, target: Uint8Array) =>
  target.set(bytes.subarray(offset, offset + target.length));

describe('StagingRing', () => {
  it('brings tensors of any lengths to their buffers, with zeros behind them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 3 }),
        async (lengths, slotBytes, slots) => {
          const gpu = new FakeDevice();
          const ring = new StagingRing(gpu.device, { slots, slotBytes }, anyTime);
          const tensors = lengths.map((length, i) => ({ bytes: content(i, length), ...gpu.destination(length) }));
          for (const { fake } of tensors) fake.bytes.fill(255);
          for (const { buffer, bytes } of tensors) await ring.send(buffer, bytes.length, filler(bytes));
          ring.flush();
          for (const { fake, bytes } of tensors) {
            expect([...fake.bytes.subarray(0, bytes.length)]).toEqual([...bytes]);
            expect([...fake.bytes.subarray(bytes.length)]).toEqual(Array(fake.size - bytes.length).fill(0));
          }
          expect(gpu.made.length).toBeLessThanOrEqual(slots);
          ring.close();
          expect(gpu.made.every(({ destroyed }) => destroyed)).toBe(true);
        },
      ),
    );
  });

  it('waits for the device when every slot is on its way', async () => {
    const gpu = new FakeDevice();
    const taken: (() => void)[] = [];
    gpu.turn = () => new Promise((resolve) => taken.push(resolve));
    const ring = new StagingRing(gpu.device, { slots: 2, slotBytes: 32 }, anyTime);
    const filled: number[] = [];
    const sending = (async () => {
      for (const i of [0, 1, 2, 3, 4]) {
        const bytes = content(i, 32);
        await ring.send(gpu.destination(32).buffer, 32, filler(bytes));
        filled.push(i);
      }
    })();
    await soon();
    expect([filled, taken.length]).toEqual([[0, 1], 2]);
    taken[0]?.();
    await soon();
    expect([filled, taken.length]).toEqual([[0, 1, 2], 3]);
    for (const i of [1, 2]) taken[i]?.();
    await sending;
    expect(filled).toEqual([0, 1, 2, 3, 4]);
  });

  it('ends with a device that is lost, and with what cannot be filled', async () => {
    const gpu = new FakeDevice();
    gpu.turn = () => new Promise(() => undefined);
    const lost = async () => {
      throw new Error('lost');
    };
    const ring = new StagingRing(gpu.device, { slots: 1, slotBytes: 16 }, lost);
    const { buffer } = gpu.destination(16);
    await ring.send(buffer, 16, filler(content(0, 16)));
    await expect(ring.send(buffer, 16, filler(content(1, 16)))).rejects.toThrow('lost');
    const other = new StagingRing(gpu.device, { slots: 1, slotBytes: 16 }, anyTime);
    const gone = async () => {
      throw new Error('gone');
    };
    await expect(other.send(buffer, 16, gone)).rejects.toThrow('gone');
  });
});
