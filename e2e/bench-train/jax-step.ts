/** The same step in jax-js: jit(valueAndGrad) of Eq 5 and a jitted AdamW, weights laid out as it likes them best, [in, out]. */
import { Array as JaxArray, defaultDevice, init, jit, nn, numpy as np, valueAndGrad } from '@jax-js/jax';
import { adamwScalars, type BenchRun, initialBeta, temperature } from './shapes.ts';

export interface OtherStep {
  /** Does one step. @returns its loss. */
  step(index: number): Promise<number>;
  dispose(): Promise<void>;
}

type Tree = JaxArray[];

export async function jaxStep({ layers, features, differences, widths }: BenchRun, batch: number): Promise<OtherStep> {
  await init('webgpu');
  defaultDevice('webgpu');
  const transposed = ({ weight, inputSize, outputSize }: BenchRun['layers'][number]) =>
    Float32Array.from(weight, (_, i) => weight[(i % outputSize) * inputSize + Math.floor(i / outputSize)]!);
  let parameters: Tree = layers.flatMap((layer) => [
    np.array(transposed(layer), { shape: [layer.inputSize, layer.outputSize] }),
    np.array(Float32Array.from(layer.bias), { shape: [layer.outputSize] }),
  ]);
  parameters.push(np.array(Float32Array.of(initialBeta), { shape: [1] }));
  let first: Tree = parameters.map((value) => np.zeros(value.shape));
  let second: Tree = parameters.map((value) => np.zeros(value.shape));
  const x = np.array(features, { shape: [batch, widths[0]!] });
  const d = np.array(differences, { shape: [batch, widths.at(-1)!] });
  const count = layers.length;

  const loss = (tree: Tree, input: JaxArray, difference: JaxArray): JaxArray => {
    let h = input;
    for (let i = 0; i < count; i++) {
      h = np.add(np.matmul(h, tree[2 * i]!), tree[2 * i + 1]!);
      if (i < count - 1) h = nn.relu(h);
    }
    const p = nn.softmax(np.multiply(h, 1 / temperature), -1);
    const margin = np.sum(np.multiply(p, difference), 1);
    return np.mean(nn.softplus(np.multiply(np.multiply(margin, tree[2 * count]!), -1)));
  };
  const gradient = jit(valueAndGrad(loss));
  const update = jit((p: Tree, m: Tree, v: Tree, g: Tree, scalars: JaxArray) => {
    const scalar = (i: number) => np.take(scalars.ref, np.array([i], { dtype: np.int32 }));
    const next: [Tree, Tree, Tree] = [[], [], []];
    for (const [i, value] of p.entries()) {
      const mean = np.add(np.multiply(m[i]!, 0.9), np.multiply(g[i]!.ref, 0.1));
      const square = np.add(np.multiply(v[i]!, 0.999), np.multiply(np.multiply(g[i]!.ref, g[i]!), 0.001));
      const kept = i === p.length - 1 ? value : np.multiply(value, scalar(2));
      const denominator = np.add(np.divide(np.sqrt(square.ref), scalar(1)), 1e-8);
      next[0].push(np.subtract(kept, np.divide(np.multiply(mean.ref, scalar(0)), denominator)));
      next[1].push(mean);
      next[2].push(square);
    }
    scalars.dispose();
    return next;
  });
  return {
    async step(index) {
      const [value, g] = gradient(
        parameters.map((item) => item.ref),
        x.ref,
        d.ref,
      ) as unknown as [JaxArray, Tree];
      const scalars = np.array(Float32Array.from(adamwScalars(index)), { shape: [3] });
      [parameters, first, second] = update(parameters, first, second, g, scalars);
      await Promise.all(parameters.map((item) => item.blockUntilReady()));
      const [number = Number.NaN] = await value.data();
      return Number(number);
    },
    async dispose() {
      for (const item of [...parameters, ...first, ...second, x, d]) item.dispose();
    },
  };
}
