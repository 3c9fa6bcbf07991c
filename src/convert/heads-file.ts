/** Reward heads from one file of their own, for a backbone that brings none (a GGUF, a plain language model). */
import type { RewardHead } from '@/core/reward-head.ts';
import type { ByteSource } from '@/formats/byte-source.ts';
import { FormatError } from '@/formats/errors.ts';
import { readHeadParts } from '@/formats/head-files.ts';
import { tensorWhere } from '@/formats/safetensors.ts';
import { ARMORM_TEMPERATURE } from './reward-head-tensors.ts';

/**
 * W, M, gate and its logit scale under any of the names of `head-files.ts`; temperature from the file's metadata, else ArmoRM's 10.
 * @throws FormatError naming the tensor that is missing or does not fit.
 */
export async function readHeadsFile(source: ByteSource, signal?: AbortSignal): Promise<RewardHead> {
  const parts = await readHeadParts([source], signal);
  const missing = (tensor: string): never => {
    throw new FormatError(
      'mismatch',
      tensorWhere(source.name, tensor),
      'is missing.',
      'Heads are a regression layer, a gate with its logit scale, and a reward transform: ' +
        'take them from an ArmoRM checkpoint, or export a trained head.',
    );
  };
  const { regression, transform, gateLayers, logitScale, objectives, featureSize, activeObjectives } = parts;
  const temperature = parts.temperature ?? ARMORM_TEMPERATURE;
  if (temperature <= 0)
    throw new FormatError(
      'malformed',
      `${source.name}: __metadata__.temperature`,
      `must be above 0, not ${temperature}.`,
    );
  return {
    objectives: objectives ?? missing('regression_layer.weight'),
    featureSize: featureSize ?? missing('regression_layer.weight'),
    regression: regression ?? missing('regression_layer.weight'),
    gate: {
      layers: gateLayers ?? missing('gating.layers.0.weight'),
      temperature,
      logitScale: logitScale ?? missing('gating.logit_scale'),
      ...(activeObjectives === undefined ? {} : { activeObjectives }),
    },
    transform: transform ?? missing('reward_transform_matrix'),
  };
}
