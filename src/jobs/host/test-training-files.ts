/** Small training inputs in memory, for tests of the jobs. */
import { SeededRandom } from '@/base/random.ts';
import { writeLinearHead } from '@/formats/head-files.ts';
import { writeSafetensors } from '@/formats/safetensors-writer.ts';
import type { DataFile } from '@/jobs/api/training.ts';

const [d, k] = [12, 6];

function blobFile(name: string, bytes: Uint8Array<ArrayBuffer>): DataFile {
  return { kind: 'blob', name, blob: new Blob([bytes]) };
}

/** Pairs whose prompt says which objective decides: a gate can learn them. */
export function pairsFile(pairs: number, name = 'pairs.safetensors', seed = 1): DataFile {
  const random = new SeededRandom(seed);
  const embeddings = Float32Array.from({ length: pairs * 2 * d }, () => random.normal());
  const prompts = Float32Array.from({ length: pairs * d }, () => random.normal());
  for (let pair = 0; pair < pairs; pair++) {
    const objective = pair % 2;
    prompts[pair * d] = objective === 0 ? 3 : -3;
    const [chosen, rejected] = [2 * pair * d + objective, (2 * pair + 1) * d + objective];
    if (embeddings[chosen]! < embeddings[rejected]!)
      [embeddings[chosen], embeddings[rejected]] = [embeddings[rejected]!, embeddings[chosen]!];
  }
  return blobFile(
    name,
    writeSafetensors([
      { name: 'embeddings', dtype: 'F32', shape: [pairs, 2, d], data: embeddings },
      { name: 'prompt_embeddings', dtype: 'F32', shape: [pairs, d], data: prompts },
    ]),
  );
}

/** W picks the first k features, M is the identity. */
export function headsFile(): DataFile {
  const regression = new Float32Array(k * d);
  const transform = new Float64Array(k * k);
  for (let j = 0; j < k; j++) {
    regression[j * d + j] = 1;
    transform[j * k + j] = 1;
  }
  return blobFile('heads.safetensors', writeLinearHead({ objectives: k, featureSize: d, regression, transform }));
}

/** Labelled rows for probes; the last objective has no label. */
export function labelledFile(rows: number): DataFile {
  const random = new SeededRandom(2);
  const embeddings = Float32Array.from({ length: rows * d }, () => random.normal());
  const labels = Float32Array.from({ length: rows * k }, (_, i) => {
    const [row, j] = [Math.floor(i / k), i % k];
    return j === k - 1 ? Number.NaN : embeddings[row * d + j]! + 0.3 * embeddings[row * d + 4]! + 0.1 * random.normal();
  });
  return blobFile(
    'labelled.safetensors',
    writeSafetensors([
      { name: 'embeddings', dtype: 'F32', shape: [rows, d], data: embeddings },
      { name: 'labels', dtype: 'F32', shape: [rows, k], data: labels },
    ]),
  );
}
