/** Brings groups and stored features together. */
import { defined } from '@/base/assert.ts';
import type { Group } from './dataset.ts';
import type { PlannedGroup } from './extract.ts';
import { gateKey, responseKey } from './feature-store.ts';
import type { FeatureStore } from './feature-store.ts';
import { indexExamples, listExamples } from './label-rows.ts';
import type { TrainingData } from './train-heads.ts';

/**
 * Every planned response as an example with its features.
 * @throws AssertionError when the store lacks one: extract first.
 */
export function assembleTrainingData(
  planned: readonly PlannedGroup[],
  store: FeatureStore,
  featureSize: number,
): TrainingData {
  const groups: Group[] = [];
  const kept = new Map<Group, ReadonlySet<string>>();
  for (const { group, responses } of planned) {
    if (responses.length === 0) continue;
    groups.push(group);
    kept.set(group, new Set(responses));
  }
  const examples = listExamples(groups, (group, response) =>
    kept.get(group)?.has(response) === true
      ? defined(store.get(responseKey(group.key, response)), 'a planned response’s feature').tokens
      : undefined,
  );
  const features = new Float32Array(examples.length * featureSize);
  for (const [row, { group, text }] of examples.entries())
    features.set(defined(store.get(responseKey(group.key, text)), 'a feature').values, row * featureSize);
  return {
    featureSize,
    groups,
    examples,
    index: indexExamples(examples),
    features,
    gateFeatureOf: (group) => defined(store.get(gateKey(group.key)), 'a prompt’s feature').values,
  };
}
