/**
 * How much of a margin is rounding noise. The base model came with 4-bit values and its full-precision original is not at hand, so
 * the rounding is made again: every weight of the linear layers is moved by a random amount, uniform within half a step of its
 * block's 4-bit grid (block of 32, 15 steps from the least to the largest value), which is what rounding to that grid does. The
 * margins of real pairs under both backbones are compared. Seeded.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SeededRandom } from '@/base/random.ts';
import { convertCheckpoint } from '@/convert/convert-checkpoint.ts';
import { evaluateHead } from '@/core/reward-head.ts';
import type { RewardHead } from '@/core/reward-head.ts';
import { MANIFEST_FILE } from '@/formats/manifest.ts';
import type { Manifest } from '@/formats/manifest.ts';
import { createConvertTools } from '../convert-tools.ts';
import { diskFileSet } from '../disk-files.ts';
import { createCliEngine } from '../node-engine.ts';
import { folderPackageSink } from '../node-files.ts';
import { BASE_MODEL, findGguf, LAYERS, LAYERS_PER_STAGE } from './backbone-step.ts';
import { preferencePairs } from './evaluate.ts';
import { writeHuggingFaceFolder } from './hf-layout.ts';
import { readNormGains } from './norm-gains.ts';
import type { TrainingData } from './train-heads.ts';

const BLOCK = 32;
const STEPS = 15;
const SEED = 20_261_124;
/** Pairs of the dev split, the first of its order. */
const PAIRS = 64;

/** Moves every value by up to half a step of its block's grid, in place. Length a multiple of 32. */
export function addRoundingNoise<T extends Float32Array>(values: T, random: SeededRandom): T {
  for (let start = 0; start + BLOCK <= values.length; start += BLOCK) {
    const block = values.subarray(start, start + BLOCK);
    const step = (Math.max(...block) - Math.min(...block)) / STEPS;
    for (let i = 0; i < BLOCK; i += 1) block[i] = block[i]! + step * (random.uniform() - 0.5);
  }
  return values;
}

async function prepareNoisyBackbone(source: string, work: string): Promise<string> {
  const folder = join(work, 'backbone-noise');
  if (existsSync(join(folder, MANIFEST_FILE))) return folder;
  const checkpoint = join(work, 'hf-noise');
  const random = new SeededRandom(SEED);
  const gains = await readNormGains(LAYERS);
  await writeHuggingFaceFolder(source, await findGguf(source), checkpoint, LAYERS, gains, (name, values) =>
    name.includes('_proj.') ? addRoundingNoise(values, random) : values,
  );
  const tools = await createConvertTools();
  try {
    await convertCheckpoint(
      diskFileSet(checkpoint),
      folderPackageSink(folder),
      {
        dtype: 'f32',
        layersPerStage: LAYERS_PER_STAGE,
        name: `${BASE_MODEL.name}, ${LAYERS} layers, rounded again`,
        licence: 'Apache-2.0',
        source: { ...BASE_MODEL },
      },
      tools,
    );
  } finally {
    await tools.dispose();
  }
  return folder;
}

/** Measures `scoreNoise` of a head; a minute or two. */
export async function measureNoise(
  source: string,
  work: string,
  head: RewardHead,
  data: TrainingData,
): Promise<NonNullable<Manifest['scoreNoise']>> {
  const { featureSize: d, features, examples } = data;
  const engine = createCliEngine({ threads: 1 });
  await engine.load({ kind: 'directory', path: await prepareNoisyBackbone(source, work) }, { provider: 'native' });
  const pairs = preferencePairs(data.groups, data.index, 'dev').slice(0, PAIRS);
  let squares = 0;
  for (const { better, worse } of pairs) {
    const first = examples[better];
    const second = examples[worse];
    if (first === undefined || second === undefined) throw new Error('a pair without its responses');
    const gate = data.gateFeatureOf(first.group);
    const score = (row: number): number => evaluateHead(head, features.slice(row * d, (row + 1) * d), gate).score;
    const moved = await engine.score({
      messages: first.group.prompt,
      responses: [first.text, second.text],
      features: true,
    });
    const noisy = moved.responses.map(({ feature, gateFeature }) => {
      if (feature === undefined || gateFeature === undefined) throw new Error('the engine returned no features');
      return evaluateHead(head, feature, gateFeature).score;
    });
    squares += ((noisy[0] ?? Number.NaN) - (noisy[1] ?? Number.NaN) - (score(better) - score(worse))) ** 2;
  }
  await engine.dispose();
  return {
    marginDeviation: Math.sqrt(squares / pairs.length),
    pairs: pairs.length,
    method:
      'The weights came in 4 bits and no full-precision original was at hand, so their rounding was made again: every linear weight moved at random ' +
      `within half a step of its 4-bit grid, and the margins of ${pairs.length} real pairs on unseen prompts compared.`,
  };
}
