/** A scored set under another head, from what that head makes of the same responses. */
import type { ScoredSet } from './scored-set.ts';
import { makeSteeringBatch, steerableSet } from './steering-batch.ts';
import type { SteerableHead } from './steering.ts';

/**
 * The set with the rewards, gate and scores of `head`, which it names as its own. Each score has the bits that the head gives the
 * response alone.
 * @param parts raw r `[n, k]` and logits l `[p, k]` where the head's regression and gate are not those that scored the set.
 * @throws DataError on a number that is not finite; AssertionError on a wrong shape.
 */
export function rescoredSet(
  set: ScoredSet,
  head: SteerableHead,
  parts: { readonly rewards: Float64Array | undefined; readonly gateLogits: Float64Array | undefined },
): ScoredSet {
  const { temperature, logitScale, activeObjectives } = head.gate;
  const rewards = parts.rewards ?? set.rewards;
  const under = steerableSet({ ...set, rewards, gateLogits: parts.gateLogits ?? set.gateLogits }, head);
  const { gateWeights, scores } = makeSteeringBatch(head, under).baseline;
  return {
    ...set,
    head: {
      transform: head.transform,
      temperature,
      logitScale,
      ...(activeObjectives === undefined ? {} : { activeObjectives }),
    },
    rewards,
    gateLogits: under.gateLogits,
    gateWeights,
    scores,
  };
}
