/** Values of GGUF tensors against what Python's `gguf` makes of the same bytes. */
import { describe, expect, test } from 'vitest';
import { f16ToF32 } from '@/base/half.ts';
import { dequantisedFixture, GGUF_FIXTURES, ggufFixture } from './fixtures/gguf-files.ts';
import { dequantiseGguf, readGgufTensor, unpackGgufBlocks, unpermuteRotaryRows } from './gguf-blocks.ts';
import { openGguf } from './gguf.ts';
import { memorySource } from './memory-source.ts';
import { readSafetensorsHeader, readTensorAsFloat32 } from './safetensors.ts';
import { writeTestGguf } from './test-gguf.ts';

test.each(GGUF_FIXTURES)('%s: every value is the one that Python computes, to the bit', async (name) => {
  const file = await openGguf(memorySource(`${name}.gguf`, ggufFixture(name)));
  const expected = memorySource('expected', dequantisedFixture(name));
  const header = await readSafetensorsHeader(expected);
  const pairs = [
    ['token_embd', 'model.embed_tokens'],
    ['output_norm', 'model.norm'],
    ['blk.0.attn_norm', 'model.layers.0.input_layernorm'],
    ['blk.0.attn_v', 'model.layers.0.self_attn.v_proj'],
    ['blk.0.attn_output', 'model.layers.0.self_attn.o_proj'],
    ['blk.0.ffn_gate', 'model.layers.0.mlp.gate_proj'],
    ['blk.0.ffn_up', 'model.layers.0.mlp.up_proj'],
    ['blk.0.ffn_down', 'model.layers.0.mlp.down_proj'],
  ];
  for (const [gguf, ours] of pairs) {
    const values = await readTensorAsFloat32(expected, header, `${ours}.weight`);
    expect(await readGgufTensor(file, `${gguf}.weight`), gguf).toEqual(values);
  }
  for (const [gguf, ours, heads] of [
    ['attn_q', 'q_proj', 4],
    ['attn_k', 'k_proj', 2],
  ] as const) {
    const values = await readTensorAsFloat32(expected, header, `model.layers.0.self_attn.${ours}.weight`);
    const stored = await readGgufTensor(file, `blk.0.${gguf}.weight`);
    expect(stored, 'llama.cpp has them in another order').not.toEqual(values);
    expect(unpermuteRotaryRows(stored, new Float32Array(stored.length), heads, 16), gguf).toEqual(values);
  }
});

test('low halves of the bytes are the first half of a block, high the second; Q8_0 reaches −128', () => {
  const scale = [0x00, 0x38]; // 0.5
  const minimum = [0x00, 0xc2]; // −3
  const nibbles = Array.from({ length: 16 }, (_, i) => i | ((15 - i) << 4));
  const expected = Array.from({ length: 32 }, (_, i) => (i < 16 ? i : 31 - i));
  const four = unpackGgufBlocks(Uint8Array.from([...scale, ...minimum, ...nibbles]), 'Q4_1');
  expect([...four.quants]).toEqual(expected);
  expect([...f16ToF32(four.scales), ...f16ToF32(four.minima!)]).toEqual([0.5, -3]);
  const zero = unpackGgufBlocks(Uint8Array.from([...scale, ...nibbles]), 'Q4_0');
  expect([...zero.quants]).toEqual(expected.map((q) => q - 8));
  expect(zero.minima).toBeUndefined();
  const eight = Uint8Array.from([...scale, ...Array.from({ length: 32 }, (_, i) => (i * 8 - 128) & 255)]);
  expect([...dequantiseGguf(eight, 'Q8_0')]).toEqual(Array.from({ length: 32 }, (_, i) => 0.5 * (i * 8 - 128)));
});

describe('types that are not read are refused by name', () => {
  test.each([
    [6, 'Q5_0', 32, 22],
    [12, 'Q4_K', 256, 144],
    [14, 'Q6_K', 256, 210],
    [20, 'IQ4_NL', 32, 18],
    [23, 'IQ4_XS', 256, 136],
    [39, 'MXFP4', 32, 17],
  ] as const)('%i is %s', async (type, name, width, bytes) => {
    const whole = writeTestGguf({}, [{ name: 'w', shape: [1, width], type, data: new Uint8Array(bytes) }]);
    const file = await openGguf(memorySource('a.gguf', whole));
    await expect(readGgufTensor(file, 'w')).rejects.toThrow(
      new RegExp(`a\\.gguf: tensor "w": is of type ${name}; F32, F16, BF16, Q8_0, Q4_0, Q4_1 are read`),
    );
  });

  test('a tensor that is not there', async () => {
    const file = await openGguf(memorySource('a.gguf', writeTestGguf({}, [])));
    await expect(readGgufTensor(file, 'w')).rejects.toThrow(/tensor "w": is missing/);
  });
});
