/** Rewards of feature files under a head, and the scores of their pairs: a reference set from the authors' layouts (armorm.md T4). */
import { evaluateHead, rewards as rewardsOf } from '@/core/reward-head.ts';
import { ScoredSetBuilder } from '@/core/scored-set.ts';
import { blobSource } from '@/formats/blob-source.ts';
import { openFeatureShards, type Stage2Shards } from '@/formats/feature-shards.ts';
import type { DebiasTasks, FeatureRewards } from '@/jobs/api/debias.ts';
import { JobError } from '@/jobs/api/job-error.ts';

/** Values held at once: 16 MB. */
const chunkValues = 4 * 1024 * 1024;

type Request = DebiasTasks['features']['request'];

/** @throws FormatError, or JobError where the width is not the head's or a value is not finite. */
export async function rewardsOfFeatures(request: Request): Promise<FeatureRewards> {
  const { files, head } = request;
  const d = head.featureSize;
  const k = head.objectives;
  const shards = await openFeatureShards(files.map(({ name, blob }) => blobSource(name, blob)));
  if (shards.hiddenSize !== d)
    throw new JobError({
      code: 'bad-input',
      message: `its features are ${shards.hiddenSize} wide, and the head in use reads ${d}.`,
    });
  if (shards.layout === 'stage-2') {
    const scored = await scoredPairs(shards, request);
    return { rewards: scored.rewards, scored };
  }
  const rewards = new Float64Array(shards.rows * k);
  const count = Math.max(1, Math.floor(chunkValues / d));
  for (let first = 0; first < shards.rows; first += count) {
    const chunk = await shards.readEmbeddings(first, Math.min(count, shards.rows - first));
    requireFinite(chunk, d, first);
    for (let row = 0; row * d < chunk.length; row++)
      rewards.set(rewardsOf(head, chunk.subarray(row * d, (row + 1) * d)), (first + row) * k);
  }
  return { rewards, scored: undefined };
}

async function scoredPairs(shards: Stage2Shards, { head, objectives, modelId }: Request) {
  const { transform, gate, featureSize: d } = head;
  const { temperature, logitScale } = gate;
  const builder = new ScoredSetBuilder(objectives, modelId, { transform, temperature, logitScale });
  const count = Math.max(1, Math.floor(chunkValues / (2 * d)));
  for (const { first: start, features } of shards.files)
    for (let first = 0; first < features.pairs; first += count) {
      const pairs = Math.min(count, features.pairs - first);
      const chunk = await features.readEmbeddings(first, pairs);
      const prompts = await features.readPromptEmbeddings(first, pairs);
      requireFinite(chunk, 2 * d, start + first);
      requireFinite(prompts, features.promptRows * d, start + first);
      for (let pair = 0; pair < pairs; pair++) {
        const sides = (['chosen', 'rejected'] as const).map((role, side) => {
          const at = (2 * pair + side) * d;
          const prompt = (pair * features.promptRows + Math.min(side, features.promptRows - 1)) * d;
          const { rewards, gateWeights, gateLogits, score } = evaluateHead(
            head,
            chunk.subarray(at, at + d),
            prompts.subarray(prompt, prompt + d),
          );
          return { role, rewards, gateWeights, gateLogits, score };
        });
        builder.addGroup(String(start + first + pair + 1), start + first + pair + 1, sides);
      }
    }
  return builder.finish();
}

function requireFinite(values: Float32Array, width: number, first: number): void {
  const odd = values.findIndex((value) => !Number.isFinite(value));
  if (odd >= 0)
    throw new JobError({
      code: 'bad-input',
      message: `row ${first + Math.floor(odd / width) + 1} holds ${values[odd]}; rewards need finite features.`,
    });
}
