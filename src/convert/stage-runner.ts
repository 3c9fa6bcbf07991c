/**
 * What the converter needs of a machine that runs stages: whole sequences from position 0, f32 on the CPU, one stage at a
 * time. Injected, as only `runtime` knows ONNX Runtime. Not for speed: no caches, no chunks.
 */
import type { ByteSource } from '@/formats/byte-source.ts';
import type { Architecture } from '@/formats/manifest.ts';

export interface StageToRun {
  readonly architecture: Architecture;
  /** Absolute layer numbers, half open. */
  readonly firstLayer: number;
  readonly endLayer: number;
  readonly graph: ByteSource;
  readonly data: readonly { readonly name: string; readonly bytes: ByteSource }[];
}

export interface OpenStage {
  /**
   * @param hidden f32 [tokens, hiddenSize] of one sequence. @param rows rows to gather, for the last stage only.
   * @returns f32 `hidden_out` [tokens, hiddenSize], or `features` [rows.length, hiddenSize] of the last stage.
   */
  run(
    hidden: Float32Array<ArrayBuffer>,
    tokens: number,
    rows: readonly number[] | undefined,
  ): Promise<Float32Array<ArrayBuffer>>;
  close(): Promise<void>;
}

export interface StageRunner {
  open(stage: StageToRun, signal?: AbortSignal): Promise<OpenStage>;
  /**
   * One linear layer, y = x Wᵀ, in f32. @param x f32 [rows, inputs]. @param weights f32 [outputs, inputs]; neither is changed.
   * @returns f32 [rows, outputs], new memory.
   */
  multiply(
    x: Float32Array<ArrayBuffer>,
    weights: Float32Array<ArrayBuffer>,
    inputs: number,
  ): Promise<Float32Array<ArrayBuffer>>;
}
