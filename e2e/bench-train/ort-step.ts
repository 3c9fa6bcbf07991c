/** The same step as one ONNX graph in ONNX Runtime on WebGPU; parameters and moments stay on the device between steps. */
import { GraphBuilder } from '@/formats/onnx/graph-builder.ts';
import { loadWebOrt, preferredBuild } from '@/runtime/web-ort.ts';
import type { OtherStep } from './jax-step.ts';
import { adamwScalars, type BenchRun, initialBeta, temperature } from './shapes.ts';

interface Named {
  readonly name: string;
  readonly dims: readonly number[];
  readonly values: Float32Array<ArrayBuffer>;
}

/** Forward, Eq 5, backward and AdamW. Inputs and outputs: x, d, scalars, every tensor with its moments; loss. */
function stepGraph(tensors: readonly Named[], widths: readonly number[], batch: number): Uint8Array<ArrayBuffer> {
  const graph = new GraphBuilder('step');
  const count = widths.length - 1;
  const x = graph.input('x', 'float32', [batch, widths[0]!]);
  const d = graph.input('d', 'float32', [batch, widths[count]!]);
  const scalars = [0, 1, 2].map((i) => graph.input(`s${i}`, 'float32', [1]));
  for (const { name, dims } of tensors)
    for (const kind of ['p', 'm', 'v']) graph.input(`${kind}.${name}`, 'float32', dims);
  let constants = 0;
  const constant = (value: number) => graph.float32(`c${constants++}`, [1], Float32Array.of(value));
  const columns = graph.int64('columns', [1]);
  const rows = graph.int64('rows', [0]);
  const [w, b] = [(i: number) => `p.w${i}`, (i: number) => `p.b${i}`];
  const activations = [x];
  for (let i = 0; i < count; i++) {
    const z = graph.node(`z${i}`, 'Gemm', [activations[i]!, w(i), b(i)], { attributes: { transB: 1 } });
    activations.push(i === count - 1 ? z : graph.node(`a${i}`, 'Relu', [z]));
  }
  const scaled = graph.node('scaled', 'Mul', [activations[count]!, constant(1 / temperature)]);
  const p = graph.node('softmax', 'Softmax', [scaled], { attributes: { axis: -1 } });
  const weighed = graph.node('weighed', 'Mul', [p, d]);
  const margin = graph.node('margin', 'ReduceSum', [weighed, columns], { attributes: { keepdims: 1 } });
  const z = graph.node('z', 'Mul', [margin, 'p.beta']);
  const minus = graph.node('minus', 'Neg', [z]);
  const soft = graph.node('soft', 'Softplus', [minus]);
  graph.node('loss', 'ReduceMean', [soft, rows], { attributes: { keepdims: 0 } });
  const sigma = graph.node('sigma', 'Sigmoid', [minus]);
  const slope = graph.node('slope', 'Mul', [sigma, constant(-1 / batch)]);
  const byBeta = graph.node('byBeta', 'Mul', [slope, margin]);
  const gradients = new Map([
    ['beta', graph.node('g.beta', 'ReduceSum', [byBeta, rows], { attributes: { keepdims: 0 } })],
  ]);
  const byLogit = graph.node('byLogit', 'Mul', [
    graph.node('slopeBeta', 'Mul', [slope, 'p.beta']),
    constant(1 / temperature),
  ]);
  const spread = graph.node('spread', 'Mul', [p, graph.node('centred', 'Sub', [d, margin])]);
  let delta = graph.node('delta', 'Mul', [spread, byLogit]);
  for (let i = count - 1; i >= 0; i--) {
    gradients.set(`w${i}`, graph.node(`g.w${i}`, 'Gemm', [delta, activations[i]!], { attributes: { transA: 1 } }));
    gradients.set(`b${i}`, graph.node(`g.b${i}`, 'ReduceSum', [delta, rows], { attributes: { keepdims: 0 } }));
    if (i === 0) break;
    const below = graph.node(`below${i}`, 'MatMul', [delta, w(i)]);
    const zero = graph.node(`zero${i}`, 'Sign', [activations[i]!]);
    delta = graph.node(`delta${i}`, 'Mul', [below, zero]);
  }
  const [decay1, gain1, decay2, gain2, epsilon] = [0.9, 0.1, 0.999, 0.001, 1e-8].map(constant) as [
    string,
    string,
    string,
    string,
    string,
  ];
  for (const { name, dims } of tensors) {
    const g = gradients.get(name)!;
    const of = (label: string, operator: string, inputs: readonly string[]) =>
      graph.node(`${label}.${name}`, operator, inputs);
    const m = of('m1', 'Add', [of('m2', 'Mul', [`m.${name}`, decay1]), of('m3', 'Mul', [g, gain1])]);
    const v = of('v1', 'Add', [
      of('v2', 'Mul', [`v.${name}`, decay2]),
      of('v3', 'Mul', [of('gg', 'Mul', [g, g]), gain2]),
    ]);
    const denominator = of('dn', 'Add', [of('dd', 'Div', [of('sq', 'Sqrt', [v]), scalars[1]!]), epsilon]);
    const kept = name === 'beta' ? `p.${name}` : of('kept', 'Mul', [`p.${name}`, scalars[2]!]);
    const change = of('ch', 'Div', [of('st', 'Mul', [m, scalars[0]!]), denominator]);
    const next = of('next', 'Sub', [kept, change]);
    for (const value of [next, m, v]) graph.output(value, 'float32', dims);
  }
  graph.output('loss', 'float32', [1]);
  return graph.toBytes('bench');
}

export async function ortStep({ layers, features, differences, widths }: BenchRun, batch: number): Promise<OtherStep> {
  const ort = await loadWebOrt(preferredBuild());
  const tensors: Named[] = layers.flatMap(({ weight, bias, inputSize, outputSize }, i) => [
    { name: `w${i}`, dims: [outputSize, inputSize], values: Float32Array.from(weight) },
    { name: `b${i}`, dims: [outputSize], values: Float32Array.from(bias) },
  ]);
  tensors.push({ name: 'beta', dims: [1], values: Float32Array.of(initialBeta) });
  const outputs: Record<string, 'gpu-buffer' | 'cpu'> = { loss: 'cpu' };
  for (const { name } of tensors) for (const kind of ['next', 'm1', 'v1']) outputs[`${kind}.${name}`] = 'gpu-buffer';
  const session = await ort.InferenceSession.create(stepGraph(tensors, widths, batch), {
    executionProviders: ['webgpu'],
    preferredOutputLocation: outputs,
  });
  type OrtTensor = InstanceType<typeof ort.Tensor>;
  const make = (values: Float32Array<ArrayBuffer>, dims: readonly number[]): OrtTensor =>
    new ort.Tensor('float32', values, dims);
  let state: Record<string, OrtTensor> = {};
  for (const { name, dims, values } of tensors) {
    state[`p.${name}`] = make(values, dims);
    for (const kind of ['m', 'v']) state[`${kind}.${name}`] = make(new Float32Array(values.length), dims);
  }
  const constants = { x: make(features, [batch, widths[0]!]), d: make(differences, [batch, widths.at(-1)!]) };
  return {
    async step(index) {
      const scalars = Object.fromEntries(
        adamwScalars(index).map((value, i) => [`s${i}`, make(Float32Array.of(value), [1])]),
      );
      const results = await session.run({ ...constants, ...scalars, ...state });
      const next: Record<string, OrtTensor> = {};
      for (const { name } of tensors)
        for (const [kind, output] of [
          ['p', 'next'],
          ['m', 'm1'],
          ['v', 'v1'],
        ] as const)
          next[`${kind}.${name}`] = results[`${output}.${name}`]!;
      for (const tensor of Object.values(state)) tensor.dispose();
      state = next;
      return Number(results['loss']!.data[0]);
    },
    async dispose() {
      for (const tensor of Object.values(state)) tensor.dispose();
      await session.release();
    },
  };
}
