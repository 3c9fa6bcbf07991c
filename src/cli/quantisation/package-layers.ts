/** The f32 weights of a package's decoder layers, read back from its stage graphs and data files. */
import { defined } from '@/base/assert.ts';
import { linearShape } from '@/convert/backbone-tensors.ts';
import { dequantiseAffine4 } from '@/convert/block-quantisation.ts';
import { LINEAR_NAMES, type LinearName } from '@/convert/graph/decoder-stage.ts';
import { type InitialiserBytes, readInitialisers } from '@/convert/graph/graph-initialisers.ts';
import type { FileSet } from '@/formats/byte-source.ts';
import type { Manifest } from '@/formats/manifest.ts';
import { openEntry } from '@/formats/model-package.ts';

export interface LayerWeights {
  readonly inputNorm: Float32Array<ArrayBuffer>;
  readonly postAttentionNorm: Float32Array<ArrayBuffer>;
  /** W [outputs, inputs], row-major. */
  readonly linears: Readonly<Record<LinearName, Float32Array<ArrayBuffer>>>;
}

export interface BackboneWeights {
  readonly layers: readonly LayerWeights[];
  readonly finalNorm: Float32Array<ArrayBuffer>;
}

/** All layers of a q4 package whose blocks have minima, which is what the embedded model is. @throws AssertionError otherwise. */
export async function readPackageLayers(files: FileSet, manifest: Manifest): Promise<BackboneWeights> {
  const layers: LayerWeights[] = [];
  let finalNorm: Float32Array<ArrayBuffer> | undefined;
  for (const { firstLayer, endLayer, graph, data } of manifest.stages) {
    const graphFile = await openEntry(files, graph);
    const initialisers = readInitialisers(await graphFile.read(0, graphFile.size));
    const dataFile = await openEntry(files, defined(data[0], 'a data file'));
    const bytesOf = async (name: string): Promise<Uint8Array<ArrayBuffer>> => {
      const found: InitialiserBytes = defined(initialisers.get(name), name);
      return found.kind === 'inline' ? found.bytes : dataFile.read(found.offset, found.length);
    };
    const numbers = async (name: string): Promise<Float32Array<ArrayBuffer>> =>
      new Float32Array((await bytesOf(name)).buffer);
    for (let layer = firstLayer; layer < endLayer; layer++) {
      const linears = new Map<LinearName, Float32Array<ArrayBuffer>>();
      for (const name of LINEAR_NAMES) {
        const at = `/layers.${layer}/${name}`;
        const quants = await bytesOf(`${at}.quants`);
        const scales = new Uint16Array((await bytesOf(`${at}.scales.stored`)).buffer);
        const minima = new Uint16Array((await bytesOf(`${at}.minima.stored`)).buffer);
        const [outputs, inputs] = linearShape(manifest.architecture, name);
        linears.set(name, dequantiseAffine4({ quants, scales, minima }, (outputs * inputs) / scales.length));
      }
      layers.push({
        inputNorm: await numbers(`/layers.${layer}/input_norm.weight`),
        postAttentionNorm: await numbers(`/layers.${layer}/post_attention_norm.weight`),
        linears: everyLinear((name) => defined(linears.get(name), name)),
      });
    }
    if (initialisers.has('/final/norm.weight')) finalNorm = await numbers('/final/norm.weight');
  }
  return { layers, finalNorm: defined(finalNorm, 'the final norm') };
}

/** One value for each of a layer's matrices. */
export function everyLinear<T>(make: (name: LinearName) => T): Record<LinearName, T> {
  return {
    'self_attn.q_proj': make('self_attn.q_proj'),
    'self_attn.k_proj': make('self_attn.k_proj'),
    'self_attn.v_proj': make('self_attn.v_proj'),
    'self_attn.o_proj': make('self_attn.o_proj'),
    'mlp.gate_proj': make('mlp.gate_proj'),
    'mlp.up_proj': make('mlp.up_proj'),
    'mlp.down_proj': make('mlp.down_proj'),
  };
}
