/**
 * The gate as a trainable network: forward, loss (arXiv 2406.12845 Eq 5) and exact gradient of a batch, in f64.
 *
 * All parameters live in one flat vector (layer 0's weight, its bias, layer 1's weight, …, then β last), so that an optimiser is
 * one loop and a checkpoint one array. The prompt is shared by chosen and rejected, so a pair has one gate row, and of the
 * responses only the difference of their k adjusted rewards matters: margin = g · (r'_chosen − r'_rejected).
 */
import { assert } from '@/base/assert.ts';
import { SeededRandom } from '@/base/random.ts';
import type { GateLayer } from './reward-head.ts';
import { addRowProducts, transposeInto } from './row-products.ts';

/** Where a layer's parameters stand in the flat vector. */
export interface LayerSlot {
  readonly inputSize: number;
  readonly outputSize: number;
  /** Offset of the weight `[outputSize, inputSize]`. */
  readonly weight: number;
  /** Offset of the bias `[outputSize]`. */
  readonly bias: number;
}

export interface GateLayout {
  readonly layers: readonly LayerSlot[];
  /** Index of β, the last parameter. */
  readonly beta: number;
  /** Length of the flat vector. */
  readonly length: number;
}

/** Layout for layer widths `[d, hidden…, k]`. */
export function gateLayout(sizes: readonly number[]): GateLayout {
  assert(
    sizes.length >= 2 && sizes.every((size) => Number.isInteger(size) && size > 0),
    () => `bad widths ${sizes.join()}`,
  );
  const layers: LayerSlot[] = [];
  let offset = 0;
  for (let i = 1; i < sizes.length; i++) {
    const inputSize = sizes[i - 1]!;
    const outputSize = sizes[i]!;
    const bias = offset + inputSize * outputSize;
    layers.push({ inputSize, outputSize, weight: offset, bias });
    offset = bias + outputSize;
  }
  return { layers, beta: offset, length: offset + 1 };
}

/**
 * Fresh layers for widths `[d, hidden…, k]`: every weight and bias uniform in ±1/√inputs, PyTorch's default for `nn.Linear`,
 * which the authors' script uses.
 */
export function initialGateLayers(sizes: readonly number[], seed: number): GateLayer[] {
  const random = new SeededRandom(seed);
  return gateLayout(sizes).layers.map(({ inputSize, outputSize }) => {
    const bound = 1 / Math.sqrt(inputSize);
    const draw = (length: number) => Float32Array.from({ length }, () => bound * (2 * random.uniform() - 1));
    return { weight: draw(inputSize * outputSize), bias: draw(outputSize), inputSize, outputSize };
  });
}

/** The flat vector of `layers` with `beta` behind them. */
export function packGate(layers: readonly GateLayer[], beta: number): { sizes: number[]; parameters: Float64Array } {
  const sizes = [layers[0]?.inputSize ?? 0, ...layers.map((layer) => layer.outputSize)];
  const layout = gateLayout(sizes);
  const parameters = new Float64Array(layout.length);
  for (const [i, slot] of layout.layers.entries()) {
    const { weight, bias, inputSize } = layers[i]!;
    assert(inputSize === slot.inputSize, () => `gate layer ${i} takes ${inputSize} inputs, ${slot.inputSize} arrive`);
    assert(weight.length === slot.bias - slot.weight, () => `gate layer ${i} weight has ${weight.length} entries`);
    assert(bias.length === slot.outputSize, () => `gate layer ${i} bias has ${bias.length} entries`);
    parameters.set(weight, slot.weight);
    parameters.set(bias, slot.bias);
  }
  parameters[layout.beta] = beta;
  return { sizes, parameters };
}

/** The layers of a flat vector, rounded to f32. */
export function unpackGate(layout: GateLayout, parameters: Float64Array): GateLayer[] {
  return layout.layers.map(({ inputSize, outputSize, weight, bias }) => ({
    weight: Float32Array.from(parameters.subarray(weight, bias)),
    bias: Float32Array.from(parameters.subarray(bias, bias + outputSize)),
    inputSize,
    outputSize,
  }));
}

/** What the loss is made of, besides the parameters. */
export interface GateLossOptions {
  /** τ > 0. */
  readonly temperature: number;
  /** Σg, fixed during training. */
  readonly logitScale: number;
  /** Objectives the softmax runs over. */
  readonly activeObjectives: readonly number[];
  /** Probability that a hidden unit is dropped in training; 0 for none. */
  readonly dropout: number;
}

/** Statistics of one batch, taken before any update. */
export interface GateBatchStatistics {
  /** Mean of softplus(−β · margin), nats. */
  readonly loss: number;
  /** Share of pairs with margin > 0. */
  readonly accuracy: number;
  /** Mean entropy of softmax(logits / τ), nats: ln k for an even gate, 0 for a gate on one objective. */
  readonly gateEntropy: number;
}

/**
 * Forward and backward passes for batches of one fixed size; owns its scratch memory, so one instance serves one caller.
 */
export class GateNetwork {
  readonly layout: GateLayout;
  private readonly batch: number;
  private readonly options: GateLossOptions;
  /** `[B, width]` before each layer: the input, then each hidden layer after ReLU (and dropout). */
  private readonly activations: Float64Array[];
  private readonly logits: Float64Array;
  /** Gradients by the outputs of each layer, `[B, outputSize]`. */
  private readonly deltas: Float64Array[];
  private readonly transposedLeft: Float64Array;
  private readonly transposedRight: Float64Array;

  constructor(layout: GateLayout, batch: number, options: GateLossOptions) {
    const { layers } = layout;
    const widest = (size: (layer: LayerSlot) => number) => Math.max(...layers.map(size));
    this.layout = layout;
    this.batch = batch;
    this.options = options;
    this.activations = layers.map((layer) => new Float64Array(batch * layer.inputSize));
    this.deltas = layers.map((layer) => new Float64Array(batch * layer.outputSize));
    this.logits = new Float64Array(batch * layers.at(-1)!.outputSize);
    this.transposedLeft = new Float64Array(widest((layer) => Math.max(batch, layer.inputSize) * layer.outputSize));
    this.transposedRight = new Float64Array(widest((layer) => batch * layer.inputSize));
  }

  /**
   * Statistics of the pairs `rows` (exactly the batch size), and their gradient by every parameter when `gradient` (flat,
   * overwritten) is given.
   * @param features gate rows `[n, d]`.
   * @param differences r'_chosen − r'_rejected `[n, k]`.
   * @param random draws the dropout masks; without it nothing is dropped.
   */
  evaluate(
    parameters: Float64Array,
    features: Float32Array,
    differences: Float64Array,
    rows: ArrayLike<number>,
    gradient?: Float64Array,
    random?: SeededRandom,
  ): GateBatchStatistics {
    assert(rows.length === this.batch, () => `${rows.length} rows for a batch of ${this.batch}`);
    this.forward(parameters, features, rows, random);
    const { statistics, betaGradient } = this.loss(parameters[this.layout.beta]!, differences, rows);
    if (gradient !== undefined) {
      gradient[this.layout.beta] = betaGradient;
      this.backward(parameters, gradient, random !== undefined);
    }
    return statistics;
  }

  private forward(
    parameters: Float64Array,
    features: Float32Array,
    rows: ArrayLike<number>,
    random?: SeededRandom,
  ): void {
    const { layers } = this.layout;
    const { dropout } = this.options;
    const d = layers[0]!.inputSize;
    for (let b = 0; b < this.batch; b++)
      this.activations[0]!.set(features.subarray(rows[b]! * d, (rows[b]! + 1) * d), b * d);
    for (const [index, layer] of layers.entries()) {
      const last = index === layers.length - 1;
      const output = last ? this.logits : this.activations[index + 1]!;
      const { inputSize, outputSize } = layer;
      const bias = parameters.subarray(layer.bias, layer.bias + outputSize);
      for (let b = 0; b < this.batch; b++) output.set(bias, b * outputSize);
      const input = { values: this.activations[index]!, stride: inputSize, start: 0, end: this.batch };
      const weight = parameters.subarray(layer.weight, layer.bias);
      const weightRows = { values: weight, stride: inputSize, start: 0, end: outputSize };
      addRowProducts(output, outputSize, input, weightRows, inputSize);
      if (last) continue;
      const keepScale = random === undefined ? 1 : 1 / (1 - dropout);
      for (let i = 0; i < output.length; i++) {
        const dropped = random !== undefined && dropout > 0 && random.uniform() < dropout;
        const value = output[i]!;
        // NaN passes, so that a diverged run shows in its loss.
        output[i] = dropped || value <= 0 ? 0 : value * keepScale;
      }
    }
  }

  /** Eq 5 and its gradient by the logits (into the last delta) and by β. */
  private loss(
    beta: number,
    differences: Float64Array,
    rows: ArrayLike<number>,
  ): { statistics: GateBatchStatistics; betaGradient: number } {
    const { temperature, logitScale, activeObjectives } = this.options;
    const k = this.layout.layers.at(-1)!.outputSize;
    const delta = this.deltas.at(-1)!.fill(0);
    let loss = 0;
    let correct = 0;
    let entropy = 0;
    let betaGradient = 0;
    for (let b = 0; b < this.batch; b++) {
      const at = b * k;
      const row = rows[b]! * k;
      let largest = -Infinity;
      for (const j of activeObjectives) largest = Math.max(largest, this.logits[at + j]!);
      let sum = 0;
      for (const j of activeObjectives) {
        const value = Math.exp((this.logits[at + j]! - largest) / temperature);
        delta[at + j] = value;
        sum += value;
      }
      let mean = 0; // p · difference
      let weighted = 0; // Σ p (l − largest) / τ
      for (const j of activeObjectives) {
        const p = delta[at + j]! / sum;
        delta[at + j] = p;
        mean += p * differences[row + j]!;
        weighted += (p * (this.logits[at + j]! - largest)) / temperature;
      }
      const margin = logitScale * mean;
      const z = beta * margin;
      loss += z > 0 ? Math.log1p(Math.exp(-z)) : Math.log1p(Math.exp(z)) - z;
      correct += margin > 0 ? 1 : 0;
      entropy += Math.log(sum) - weighted;
      // dL/dz = −σ(−z) / B, in the form that does not overflow.
      const slope = (z > 0 ? -Math.exp(-z) / (1 + Math.exp(-z)) : -1 / (1 + Math.exp(z))) / this.batch;
      betaGradient += slope * margin;
      const byLogit = (slope * beta * logitScale) / temperature;
      for (const j of activeObjectives) delta[at + j] = byLogit * delta[at + j]! * (differences[row + j]! - mean);
    }
    const statistics = { loss: loss / this.batch, accuracy: correct / this.batch, gateEntropy: entropy / this.batch };
    return { statistics, betaGradient };
  }

  private backward(parameters: Float64Array, gradient: Float64Array, dropped: boolean): void {
    const { layers } = this.layout;
    const keepScale = dropped ? 1 / (1 - this.options.dropout) : 1;
    for (let index = layers.length - 1; index >= 0; index--) {
      const { inputSize, outputSize, weight, bias } = layers[index]!;
      const input = this.activations[index]!;
      const delta = this.deltas[index]!;
      gradient.fill(0, weight, bias + outputSize);
      for (let b = 0; b < this.batch; b++)
        for (let o = 0; o < outputSize; o++) gradient[bias + o] = gradient[bias + o]! + delta[b * outputSize + o]!;
      // dW = deltaᵀ input
      transposeInto(this.transposedLeft, delta, this.batch, outputSize);
      transposeInto(this.transposedRight, input, this.batch, inputSize);
      const deltaColumns = { values: this.transposedLeft, stride: this.batch, start: 0, end: outputSize };
      const inputColumns = { values: this.transposedRight, stride: this.batch, start: 0, end: inputSize };
      addRowProducts(gradient.subarray(weight, bias), inputSize, deltaColumns, inputColumns, this.batch);
      if (index === 0) break; // nothing below the features is trained
      // d input = delta W, through ReLU and dropout: the units that passed are the positive ones.
      const below = this.deltas[index - 1]!.fill(0);
      transposeInto(this.transposedLeft, parameters.subarray(weight, bias), outputSize, inputSize);
      const deltaRows = { values: delta, stride: outputSize, start: 0, end: this.batch };
      const weightColumns = { values: this.transposedLeft, stride: outputSize, start: 0, end: inputSize };
      addRowProducts(below, inputSize, deltaRows, weightColumns, outputSize);
      for (let i = 0; i < below.length; i++) below[i] = input[i]! > 0 ? below[i]! * keepScale : 0;
    }
  }
}
