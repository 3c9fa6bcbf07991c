/**
 * The embedded model's weights without their 4-bit grid. They came in 4 bits in blocks of 32 (Q4_1), so rounding them so again costs
 * nothing, and no full-precision original can be had: two ways to weights that lie on no grid stand in for it.
 *
 * `dithered`: every weight moved by a seeded uniform amount within half a step of its block's grid, which is where the original lay.
 * Another function than the package's, by about the package's own noise; its shape is that of a real checkpoint.
 *
 * `folded`: the same function (to f32 rounding), in other numbers. The gains of RMSNorm go into the matrices that read it; channels of
 * the MLP and of the values are scaled by seeded factors of 2^±½, undone in the matrix after.
 */
import { SeededRandom } from '@/base/random.ts';
import type { Architecture } from '@/formats/manifest.ts';
import { addRoundingNoise } from '../embedded/noise-step.ts';
import { type BackboneWeights, everyLinear, type LayerWeights } from './package-layers.ts';

const SEED = 20_261_130;

/** New weights; the given ones stay. */
export function dithered({ layers, finalNorm }: BackboneWeights): BackboneWeights {
  const random = new SeededRandom(SEED);
  return {
    finalNorm,
    layers: layers.map((layer) => ({
      ...layer,
      linears: everyLinear((name) => addRoundingNoise(layer.linears[name].slice(), random)),
    })),
  };
}

/** New weights; the given ones stay. */
export function folded({ layers, finalNorm }: BackboneWeights, architecture: Architecture): BackboneWeights {
  const random = new SeededRandom(SEED);
  return { finalNorm, layers: layers.map((layer) => foldLayer(layer, architecture, random)) };
}

function foldLayer(
  { inputNorm, postAttentionNorm, linears }: LayerWeights,
  { attentionHeads, keyValueHeads, headDim, intermediateSize, hiddenSize }: Architecture,
  random: SeededRandom,
): LayerWeights {
  const factors = (count: number): Float32Array<ArrayBuffer> =>
    Float32Array.from({ length: count }, () => 2 ** (random.uniform() - 0.5));
  const middle = factors(intermediateSize);
  const values = factors(keyValueHeads * headDim);
  // Query heads of one group read the same values.
  const group = attentionHeads / keyValueHeads;
  const attended = Float32Array.from({ length: attentionHeads * headDim }, (_, i) => {
    const head = Math.floor(i / headDim);
    return 1 / values[Math.floor(head / group) * headDim + (i % headDim)]!;
  });
  const ones = new Float32Array(hiddenSize).fill(1);
  return {
    inputNorm: ones,
    postAttentionNorm: ones,
    linears: {
      'self_attn.q_proj': scaled(linears['self_attn.q_proj'], inputNorm),
      'self_attn.k_proj': scaled(linears['self_attn.k_proj'], inputNorm),
      'self_attn.v_proj': scaled(linears['self_attn.v_proj'], inputNorm, values),
      'self_attn.o_proj': scaled(linears['self_attn.o_proj'], attended),
      'mlp.gate_proj': scaled(linears['mlp.gate_proj'], postAttentionNorm),
      'mlp.up_proj': scaled(linears['mlp.up_proj'], postAttentionNorm, middle),
      'mlp.down_proj': scaled(
        linears['mlp.down_proj'],
        middle.map((factor) => 1 / factor),
      ),
    },
  };
}

/** diag(rows) · W · diag(columns), W [rows, columns]. */
function scaled(weights: Float32Array, columns: Float32Array, rows?: Float32Array): Float32Array<ArrayBuffer> {
  const width = columns.length;
  return Float32Array.from(weights, (value, i) => value * columns[i % width]! * (rows?.[Math.floor(i / width)] ?? 1));
}
