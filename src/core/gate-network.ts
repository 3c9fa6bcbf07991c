/**
 * The gate as a trainable network: forward, loss (arXiv 2406.12845 Eq 5) and exact gradient of a batch, in f64.
 *
 * All parameters live in one flat vector (layer 0's weight, its bias, layer 1's weight, …, then β last), so that an optimiser is
 * one loop and a checkpoint one array. The prompt is shared by chosen and rejected, so a pair has one gate row, and of the
 * responses only the difference of their k adjusted rewards matters: margin = g · (r'_chosen − r'_rejected).
 */
import { assert } from '@/base/assert.ts';
import { SeededRandom } from '@/base/random.ts';
import { dropoutThreshold, isDropped } from './dropout.ts';
import { authorsScriptLoss, bradleyTerryLoss, type GateBatchStatistics, type GateLossOptions } from './gate-loss.ts';
import type { GateLayer } from './reward-head.ts';
import { exactKernel, type FloatArray, type RowKernel, transposeInto } from './row-products.ts';

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
export function unpackGate(layout: GateLayout, parameters: Float64Array | Float32Array): GateLayer[] {
  return layout.layers.map(({ inputSize, outputSize, weight, bias }) => ({
    weight: Float32Array.from(parameters.subarray(weight, bias)),
    bias: Float32Array.from(parameters.subarray(bias, bias + outputSize)),
    inputSize,
    outputSize,
  }));
}

/** Where some pairs stand in the batch whose mean is asked for. */
export interface BatchPart {
  /** Pairs of the batch before them: dropout masks go by the place in the batch. */
  readonly first: number;
  /** Pairs of the whole batch. */
  readonly of: number;
}

/**
 * Forward and backward passes for at most `pairs` pairs at once; a larger batch goes through it part by part. Owns its scratch memory,
 * so one instance serves one caller.
 */
export class GateNetwork<F extends FloatArray = Float64Array> {
  readonly layout: GateLayout;
  /** Pairs there is room for. */
  readonly pairs: number;
  /** Gate rows a pair: one, or two in the authors' way. */
  private readonly rowsPerPair: number;
  private readonly options: GateLossOptions;
  /** `[B, width]` before each layer: the input, then each hidden layer after ReLU (and dropout). */
  private readonly activations: F[];
  private readonly logits: F;
  /** Gradients by the outputs of each layer, `[B, outputSize]`. */
  private readonly deltas: F[];
  private readonly transposedLeft: F;
  private readonly transposedRight: F;
  private readonly kernel: RowKernel<F>;
  /** The logits and their gradient in f64, in which the loss is computed. */
  private readonly exactLogits: Float64Array;
  private readonly exactDelta: Float64Array;

  private constructor(layout: GateLayout, pairs: number, options: GateLossOptions, kernel: RowKernel<F>) {
    const { layers } = layout;
    const rowsPerPair = options.softmaxOver === 'chosen-rejected' ? 2 : 1;
    const batch = rowsPerPair * pairs;
    const widest = (size: (layer: LayerSlot) => number) => Math.max(...layers.map(size));
    this.layout = layout;
    this.pairs = pairs;
    this.rowsPerPair = rowsPerPair;
    this.options = options;
    this.kernel = kernel;
    this.activations = layers.map((layer) => kernel.allocate(batch * layer.inputSize));
    this.deltas = layers.map((layer) => kernel.allocate(batch * layer.outputSize));
    this.logits = kernel.allocate(batch * layers.at(-1)!.outputSize);
    this.transposedLeft = kernel.allocate(widest((layer) => Math.max(batch, layer.inputSize) * layer.outputSize));
    this.transposedRight = kernel.allocate(widest((layer) => batch * layer.inputSize));
    this.exactLogits = exactView(this.logits);
    this.exactDelta = exactView(this.deltas.at(-1)!);
  }

  /** In f64, in this thread. */
  static exact(layout: GateLayout, pairs: number, options: GateLossOptions): GateNetwork {
    return new GateNetwork(layout, pairs, options, exactKernel);
  }

  static on<F extends FloatArray>(
    kernel: RowKernel<F>,
    layout: GateLayout,
    pairs: number,
    options: GateLossOptions,
  ): GateNetwork<F> {
    return new GateNetwork(layout, pairs, options, kernel);
  }

  /** Puts the gate row `[d]` of the batch's pair `index` in its place; both of its places in the authors' way. */
  setInput(index: number, row: FloatArray): void {
    const d = this.layout.layers[0]!.inputSize;
    for (let side = 0; side < this.rowsPerPair; side++)
      this.activations[0]!.set(row, (index * this.rowsPerPair + side) * d);
  }

  /**
   * Statistics of the pairs `rows` (at most `pairs`; their gate rows were `setInput`), and their gradient by every parameter when
   * `gradient` (flat, overwritten) is given.
   * @param values r'_chosen − r'_rejected `[n, k]`; in the authors' way raw rewards `[n, 2, k]`.
   * @param keys keys of the dropout masks by layer (dropout.ts); without them nothing is dropped.
   * @param part where `rows` are a part of a batch: statistics and gradient are then its share of the batch's, and all parts but the
   * first add to `gradient`.
   */
  evaluate(
    parameters: F,
    values: Float64Array,
    rows: ArrayLike<number>,
    gradient?: F,
    keys?: (layer: number) => number,
    part: BatchPart = { first: 0, of: rows.length },
  ): GateBatchStatistics {
    assert(rows.length <= this.pairs, () => `${rows.length} rows where there is room for ${this.pairs}`);
    const batch = this.rowsPerPair * rows.length;
    const firstRow = this.rowsPerPair * part.first;
    this.forward(parameters, batch, firstRow, keys);
    const { layers, beta } = this.layout;
    const lossOf = this.options.softmaxOver === 'chosen-rejected' ? authorsScriptLoss : bradleyTerryLoss;
    const k = layers.at(-1)!.outputSize;
    if (!isSame(this.exactLogits, this.logits)) this.exactLogits.set(this.logits);
    const loss = lossOf(this.exactLogits, parameters[beta]!, values, rows, k, this.options, this.exactDelta, part.of);
    if (gradient !== undefined) {
      const delta = this.deltas.at(-1)!;
      if (!isSame(this.exactDelta, delta)) delta.set(this.exactDelta);
      if (part.first === 0) gradient.fill(0);
      gradient[beta] = gradient[beta]! + loss.scalarGradient;
      this.backward(parameters, gradient, batch, keys !== undefined);
    }
    return loss.statistics;
  }

  /** Logits of the last `evaluate`, `[gate rows, k]`: valid until the next. */
  get lastLogits(): Float64Array {
    return this.exactLogits;
  }

  private forward(parameters: F, batch: number, firstRow: number, keys?: (layer: number) => number): void {
    const { layers } = this.layout;
    const { dropout } = this.options;
    const threshold = dropoutThreshold(dropout);
    for (const [index, layer] of layers.entries()) {
      const last = index === layers.length - 1;
      const output = last ? this.logits : this.activations[index + 1]!;
      const { inputSize, outputSize } = layer;
      const bias = part(parameters, layer.bias, layer.bias + outputSize);
      for (let b = 0; b < batch; b++) output.set(bias, b * outputSize);
      const input = { values: this.activations[index]!, stride: inputSize, start: 0, end: batch };
      const weight = part(parameters, layer.weight, layer.bias);
      const weightRows = { values: weight, stride: inputSize, start: 0, end: outputSize };
      this.kernel.addRowProducts(output, outputSize, input, weightRows, inputSize);
      if (last) continue;
      const key = keys?.(index);
      const keepScale = key === undefined ? 1 : 1 / (1 - dropout);
      const place = firstRow * outputSize;
      for (let i = 0; i < batch * outputSize; i++) {
        const value = output[i]!;
        // NaN passes, so that a diverged run shows in its loss.
        output[i] = value <= 0 || (key !== undefined && isDropped(key, place + i, threshold)) ? 0 : value * keepScale;
      }
    }
  }

  /** Adds to `gradient`. */
  private backward(parameters: F, gradient: F, batch: number, dropped: boolean): void {
    const { layers } = this.layout;
    const keepScale = dropped ? 1 / (1 - this.options.dropout) : 1;
    for (let index = layers.length - 1; index >= 0; index--) {
      const { inputSize, outputSize, weight, bias } = layers[index]!;
      const input = this.activations[index]!;
      const delta = this.deltas[index]!;
      for (let b = 0; b < batch; b++)
        for (let o = 0; o < outputSize; o++) gradient[bias + o] = gradient[bias + o]! + delta[b * outputSize + o]!;
      // dW = deltaᵀ input
      transposeInto(this.transposedLeft, delta, batch, outputSize);
      transposeInto(this.transposedRight, input, batch, inputSize);
      const deltaColumns = { values: this.transposedLeft, stride: batch, start: 0, end: outputSize };
      const inputColumns = { values: this.transposedRight, stride: batch, start: 0, end: inputSize };
      this.kernel.addRowProducts(part(gradient, weight, bias), inputSize, deltaColumns, inputColumns, batch);
      if (index === 0) break; // nothing below the features is trained
      // d input = delta W, through ReLU and dropout: the units that passed are the positive ones.
      const below = this.deltas[index - 1]!;
      below.fill(0, 0, batch * inputSize);
      transposeInto(this.transposedLeft, part(parameters, weight, bias), outputSize, inputSize);
      const deltaRows = { values: delta, stride: outputSize, start: 0, end: batch };
      const weightColumns = { values: this.transposedLeft, stride: outputSize, start: 0, end: inputSize };
      this.kernel.addRowProducts(below, inputSize, deltaRows, weightColumns, outputSize);
      for (let i = 0; i < batch * inputSize; i++) below[i] = input[i]! > 0 ? below[i]! * keepScale : 0;
    }
  }
}

/** The array itself where it is f64, otherwise an f64 array of its length. */
function exactView(values: FloatArray): Float64Array {
  return values instanceof Float64Array ? values : new Float64Array(values.length);
}

function isSame(a: FloatArray, b: FloatArray): boolean {
  return a === b;
}

/** A view of part of an array, of the same kind. */
function part<F extends FloatArray>(values: F, begin: number, end: number): F;
function part(values: FloatArray, begin: number, end: number): FloatArray {
  return values.subarray(begin, end);
}
