import { describe, expect, it } from 'vitest';
import { f32ToF16 } from '@/base/half.ts';
import { memorySource } from '@/formats/memory-source.ts';
import { dequantiseGguf, openGguf, readGgufTensor, unpermuteRotaryRows } from './gguf.ts';

/** Bits of a number in binary16. */
function half(value: number): number {
  return f32ToF16(Float32Array.of(value))[0] ?? 0;
}

/** A GGUF v3 file with one Q4_1 tensor [2, 32] and one metadata text, written by hand from the specification. */
function smallGguf(typeNumber = 3): Uint8Array<ArrayBuffer> {
  const parts: number[] = [];
  const u32 = (value: number): number => parts.push(...new Uint8Array(Uint32Array.of(value).buffer));
  const u64 = (value: number): number => parts.push(...new Uint8Array(BigUint64Array.of(BigInt(value)).buffer));
  const text = (value: string): void => {
    u64(value.length);
    parts.push(...new TextEncoder().encode(value));
  };
  u32(0x46554747);
  u32(3);
  u64(1);
  u64(2);
  text('general.name');
  u32(8);
  text('tiny');
  text('some.list');
  u32(9);
  u32(4);
  u64(2);
  u32(7);
  u32(9);
  text('w');
  u32(2);
  u64(32);
  u64(2);
  u32(typeNumber);
  u64(0);
  while (parts.length % 32 !== 0) parts.push(0);
  for (let block = 0; block < 2; block += 1) {
    parts.push(...new Uint8Array(Uint16Array.of(half(0.5 + block)).buffer));
    parts.push(...new Uint8Array(Uint16Array.of(half(-3)).buffer));
    for (let i = 0; i < 16; i += 1) parts.push(i | ((15 - i) << 4));
  }
  return Uint8Array.from(parts);
}

describe('GGUF', () => {
  it('reads metadata and a Q4_1 tensor: low nibbles are the first half of a block, high the second', async () => {
    const file = await openGguf(memorySource('tiny.gguf', smallGguf()));
    expect(file.metadata.get('general.name')).toBe('tiny');
    expect(file.tensors.get('w')?.shape).toEqual([2, 32]);
    const values = await readGgufTensor(file, 'w');
    const expected = [0.5, 1.5].flatMap((d) => Array.from({ length: 32 }, (_, i) => d * (i < 16 ? i : 31 - i) - 3));
    expect([...values]).toEqual(expected);
  });

  it('dequantises Q8_0 with its sign', () => {
    const raw = new Uint8Array(34);
    new DataView(raw.buffer).setUint16(0, half(0.25), true);
    for (let i = 0; i < 32; i += 1) raw[2 + i] = (i * 8 - 128) & 0xff;
    expect([...dequantiseGguf(raw, 'Q8_0')]).toEqual(Array.from({ length: 32 }, (_, i) => 0.25 * (i * 8 - 128)));
  });

  it('refuses what it cannot read by name', async () => {
    const whole = smallGguf();
    await expect(openGguf(memorySource('a.gguf', whole.slice(0, 60)))).rejects.toThrow(/a\.gguf.*ends at byte/);
    await expect(openGguf(memorySource('a.gguf', whole.slice(0, -1)))).rejects.toThrow(/a\.gguf: w.*beyond the end/);
    await expect(openGguf(memorySource('a.gguf', smallGguf(14)))).rejects.toThrow(/a\.gguf: w.*type 14/);
    await expect(openGguf(memorySource('a.gguf', new Uint8Array(100)))).rejects.toThrow(/not a GGUF file/);
  });

  it('unpermutes llama.cpp’s rotary rows: interleaved pairs become two halves, head by head', () => {
    // permute of the converter: [half][pair] → rows pair·2 + side; here row r of head h holds the value 10·h + r.
    const heads = 2;
    const headDim = 6;
    const huggingFace = Float32Array.from(
      { length: heads * headDim },
      (_, i) => 10 * Math.floor(i / headDim) + (i % headDim),
    );
    const permuted = new Float32Array(heads * headDim);
    for (let h = 0; h < heads; h += 1)
      for (let side = 0; side < 2; side += 1)
        for (let pair = 0; pair < 3; pair += 1)
          permuted[h * headDim + pair * 2 + side] = huggingFace[h * headDim + side * 3 + pair] as number;
    expect([...unpermuteRotaryRows(permuted, heads, headDim, 1)]).toEqual([...huggingFace]);
  });
});
