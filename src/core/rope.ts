/**
 * Rotary position tables, computed in f64 and rounded once to f32.
 * Lineage: Transformers `modeling_rope_utils.py`, `_compute_default_rope_parameters` and `_compute_llama3_parameters`.
 */

/** Of the manifest's architecture. */
export interface RopeParameters {
  readonly theta: number;
  /** Llama 3.1's. */
  readonly scaling?:
    | {
        readonly factor: number;
        readonly lowFreqFactor: number;
        readonly highFreqFactor: number;
        readonly originalMaxPositions: number;
      }
    | undefined;
}

/**
 * Inverse frequencies θ^(−2i/headDim), i = 0…headDim/2−1, after the scaling of Llama 3.1 where the model has it.
 * @returns f64 [headDim/2], each in (0, 1].
 * @throws RangeError when `headDim` is odd.
 */
export function inverseFrequencies(rope: RopeParameters, headDim: number): Float64Array {
  if (headDim % 2 !== 0) throw new RangeError(`headDim must be even, got ${headDim}`);
  const frequencies = Float64Array.from({ length: headDim / 2 }, (_, i) => rope.theta ** ((-2 * i) / headDim));
  const scaling = rope.scaling;
  if (scaling === undefined) return frequencies;
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositions } = scaling;
  const longestKept = originalMaxPositions / highFreqFactor;
  const shortestScaled = originalMaxPositions / lowFreqFactor;
  return frequencies.map((frequency) => {
    const wavelength = (2 * Math.PI) / frequency;
    if (wavelength < longestKept) return frequency;
    if (wavelength > shortestScaled) return frequency / factor;
    const smooth = (originalMaxPositions / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
    return ((1 - smooth) * frequency) / factor + smooth * frequency;
  });
}

export interface RotaryTables {
  /** f32 [positions, headDim/2], row-major. */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
  readonly positions: number;
}

/**
 * cos and sin of position · inverse frequency for positions 0…positions−1.
 * @returns two f32 arrays [positions, headDim/2] in [−1, 1]; new memory.
 */
export function rotaryTables(rope: RopeParameters, headDim: number, positions: number): RotaryTables {
  const frequencies = inverseFrequencies(rope, headDim);
  const half = frequencies.length;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let position = 0; position < positions; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position * (frequencies[i] ?? 0);
      cos[position * half + i] = Math.cos(angle);
      sin[position * half + i] = Math.sin(angle);
    }
  }
  return { cos, sin, positions };
}
