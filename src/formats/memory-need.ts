/** What a package takes on the device that computes it, from its manifest alone. Pure. */
import type { Manifest } from './manifest.ts';

export interface MemoryNeed {
  /** Bytes of weights on the device with every stage there. */
  readonly allStagesBytes: number;
  /** The same of the largest stage. */
  readonly largestStageBytes: number;
  /** Keys, values, hidden states and the widest activations of a text of `tokens` tokens, all layers. */
  readonly textBytes: number;
  readonly tokens: number;
  /** The largest single tensor: what one buffer must hold. */
  readonly largestTensorBytes: number;
}

type Facts = Pick<Manifest, 'architecture' | 'dtype' | 'stages' | 'checkpoint'>;

/**
 * Bytes on the device for a byte of the file: scales and minima of blocks, and all of f16, are cast to f32 while a session is made
 * (`src/convert/README.md`, "Forms of the linear layers"): 5 bits a weight become 6, 8.5 become 9, 16 become 32.
 */
const growth: Readonly<Record<Manifest['dtype'], number>> = { q4: 6 / 5, q8: 9 / 8.5, f16: 2, f32: 1 };
/** Bytes a weight in the one tensor that holds a matrix: packed integers, or f32. */
const weightBytes: Readonly<Record<Manifest['dtype'], number>> = { q4: 1 / 2, q8: 1, f16: 4, f32: 4 };
const f32Bytes = 4;
/** Tokens computed at a time in a browser, at most. */
const chunkTokens = 512;

/** A long text: most conversations are shorter. */
export const plannedTokens = 2048;

/** @param tokens length of the longest text to make room for. */
export function memoryNeed({ architecture, dtype, stages, checkpoint }: Facts, tokens = plannedTokens): MemoryNeed {
  const { hiddenSize, attentionHeads, keyValueHeads, headDim, intermediateSize, layers, maxPositions } = architecture;
  const length = Math.min(tokens, maxPositions);
  const stageBytes = stages.map(
    ({ graph, data }) => graph.bytes + growth[dtype] * data.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  const widest = Math.max(intermediateSize, attentionHeads * headDim, hiddenSize);
  // A matrix that the package's form cannot hold is stored as f32.
  const perWeight = (checkpoint?.storedOtherwise ?? []).length > 0 ? f32Bytes : weightBytes[dtype];
  return {
    allStagesBytes: stageBytes.reduce((sum, bytes) => sum + bytes, 0),
    largestStageBytes: Math.max(...stageBytes),
    textBytes:
      f32Bytes *
      // Old and new keys and values are alive together while a chunk is added.
      (2 * 2 * layers * keyValueHeads * headDim * length +
        hiddenSize * length +
        4 * widest * Math.min(chunkTokens, length)),
    tokens: length,
    largestTensorBytes: Math.max(perWeight * hiddenSize * widest, f32Bytes * keyValueHeads * headDim * length),
  };
}
