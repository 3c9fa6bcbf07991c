/**
 * The embedded package's report: what it was trained on, how it does on prompts it never saw, what it cannot do. Numbers and
 * names only, never a text of the data.
 */
import { spearman } from '@/core/rank-correlation.ts';
import type { HeadEvaluation } from '@/core/reward-head.ts';
import {
  contrastPairs,
  evaluateExamples,
  fitBySource,
  groupByLabel,
  judgePreferences,
  pairAccuracy,
  preferencePairs,
  round,
  summariseGate,
} from './evaluate.ts';
import type { JudgedPair } from './evaluate.ts';
import type { TrainedHeads } from './heads-step.ts';
import { LABEL_RECIPES } from './label-recipes.ts';
import { objectiveFacts } from './objective-facts.ts';
import type { Split } from './records.ts';
import { DATA_SOURCES } from './sources.ts';
import { VERBOSITY_DIMENSION } from './train-heads.ts';
import type { TrainingData } from './train-heads.ts';

/** All head outputs, in the order of the data's examples. */
export function evaluateAll(trained: TrainedHeads, data: TrainingData): HeadEvaluation[] {
  const { featureSize: d, features, index } = data;
  return evaluateExamples(
    trained.head,
    data.examples,
    ({ group, response }) => {
      const row = index.get(`${group.key}/${response}`) ?? 0;
      return features.subarray(row * d, (row + 1) * d);
    },
    data.gateFeatureOf,
  );
}

/** What was used, by source: prompts, responses, twins, ratings and pairs of the groups. */
export function countSources(data: TrainingData): Record<string, unknown>[] {
  const counts = new Map<
    string,
    { prompts: number; responses: number; twins: number; ratings: number; pairs: number }
  >();
  const of = (source: string) => {
    let count = counts.get(source);
    if (count === undefined) {
      count = { prompts: 0, responses: 0, twins: 0, ratings: 0, pairs: 0 };
      counts.set(source, count);
    }
    return count;
  };
  for (const group of data.groups) {
    of(group.source).prompts += 1;
    of(group.source).ratings += group.ratings.length;
    for (const { source } of group.preferences) of(source).pairs += 1;
  }
  for (const { group, twinOf } of data.examples) of(group.source)[twinOf === undefined ? 'responses' : 'twins'] += 1;
  return DATA_SOURCES.filter(({ source }) => counts.has(source)).map((entry) => ({
    ...entry,
    ...counts.get(entry.source),
  }));
}

/** Examples of a split that were not built. */
function naturalRows(data: TrainingData, split: Split): number[] {
  return data.examples.flatMap((example, row) =>
    example.split === split && example.twinOf === undefined ? [row] : [],
  );
}

function lengthAgreement(data: TrainingData, evaluations: readonly HeadEvaluation[], split: Split) {
  const rows = naturalRows(data, split);
  const tokens = rows.map((row) => data.examples[row]?.tokens ?? 0);
  const of = (value: (evaluation: HeadEvaluation) => number): number =>
    round(
      spearman(
        rows.map((row) => {
          const evaluation = evaluations[row];
          return evaluation === undefined ? Number.NaN : value(evaluation);
        }),
        tokens,
      ),
    );
  return {
    responses: rows.length,
    verbosityReward: of(({ rewards }) => rewards[VERBOSITY_DIMENSION] ?? Number.NaN),
    score: of(({ score }) => score),
  };
}

/** Everything about one split that was not trained on. */
export function judgeSplit(
  trained: TrainedHeads,
  data: TrainingData,
  evaluations: readonly HeadEvaluation[],
  split: Split,
) {
  const score = (example: number): number => evaluations[example]?.score ?? Number.NaN;
  const judge = (pairs: readonly JudgedPair[]) => judgePreferences(pairs, data.examples, evaluations, trained.meanGate);
  const contrasts = contrastPairs(data.groups, data.index, split);
  const preferences = preferencePairs(data.groups, data.index, split);
  const rowsOf = new Map(data.examples.map(({ group }, row) => [group, row]));
  const groups = data.groups.filter((group) => group.split === split && rowsOf.has(group));
  return {
    prompts: groups.length,
    spearmanWithLength: lengthAgreement(data, evaluations, split),
    contrasts: {
      all: { n: contrasts.length, accuracy: pairAccuracy(contrasts, score) },
      byKind: Object.fromEntries(
        [...groupByLabel(contrasts)].map(([kind, pairs]) => [
          kind,
          { n: pairs.length, accuracy: pairAccuracy(pairs, score) },
        ]),
      ),
    },
    preferences: {
      all: judge(preferences),
      bySource: Object.fromEntries([...groupByLabel(preferences)].map(([source, pairs]) => [source, judge(pairs)])),
    },
    gate: summariseGate(groups, (group) => evaluations[rowsOf.get(group) ?? 0]?.gateWeights ?? new Float64Array()),
  };
}

/** In plain words; the numbers are above them in the report. */
export const LIMITS: readonly string[] = [
  'A model of 135 million parameters, cut to its first 16 layers. It cannot tell whether a sum, a proof, a program or a fact is right.',
  'The labels of most objectives are stand-ins: other ratings, measures computed from the text, or built contrasts. Each objective says which. They are not the ratings ArmoRM was trained on, and its numbers cannot be compared with ArmoRM’s.',
  'Many ratings were given by language models, some of them with known errors.',
  'Built contrasts show what the model does on damage of the kinds it was trained on; damage of other kinds may pass unseen. Whether an answer is about the question is the weakest of them.',
  'On real preferences between two good answers it is little better than chance, and on some sources worse: the table says where.',
  'English only, responses of up to about 500 tokens. Longer ones are scored, but nothing like them was trained on.',
  'The safety objective knows refusals, insults and openly harmful text. It is no filter and must not be used as one.',
];

export interface ReportInputs {
  readonly trained: TrainedHeads;
  readonly data: TrainingData;
  readonly tokens: number;
  readonly versions: Readonly<Record<string, string>>;
  readonly baseModel: {
    readonly name: string;
    readonly url: string;
    readonly layers: number;
    readonly file: string;
    readonly sha256: string;
  };
  readonly quantisation: Readonly<Record<string, unknown>>;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** The whole report as plain JSON. The test split is read here and nowhere else. */
export function buildReport(inputs: ReportInputs) {
  const { trained, data } = inputs;
  const evaluations = evaluateAll(trained, data);
  const naturals = data.examples.filter(({ twinOf }) => twinOf === undefined).length;
  return {
    formatVersion: 1,
    versions: inputs.versions,
    baseModel: inputs.baseModel,
    quantisation: inputs.quantisation,
    settings: inputs.settings,
    limits: LIMITS,
    data: {
      licenceClass: 'clean only: MIT, BSD, Apache-2.0, CC-BY',
      tokens: inputs.tokens,
      prompts: data.groups.length,
      responses: naturals,
      twins: data.examples.length - naturals,
      promptsBySplit: Object.fromEntries(
        (['train', 'dev', 'test'] as const).map((split) => [
          split,
          data.groups.filter((group) => group.split === split).length,
        ]),
      ),
      sources: countSources(data),
    },
    objectives: LABEL_RECIPES.map(({ sources }, j) => {
      const probe = trained.probes[j];
      const rows = trained.rows[j] ?? [];
      const rewardOf = (example: number): number => evaluations[example]?.rewards[j] ?? Number.NaN;
      const trainRows = rows.filter(({ example }) => data.examples[example]?.split === 'train');
      return {
        ...objectiveFacts(
          j,
          rewardOf,
          data.examples,
          contrastPairs(data.groups, data.index, 'test'),
          naturalRows(data, 'test'),
          fitBySource(rows, data.examples, rewardOf, 'test'),
        ),
        training: {
          alpha: probe?.alpha,
          devError: round(probe?.validationMse ?? Number.NaN),
          trainRows: Object.fromEntries(
            sources.map(({ from, name }) => {
              const label = `${from}: ${name}`;
              return [label, trainRows.filter(({ source }) => source === label).length];
            }),
          ),
          penalty: trained.debiasing.penalties[j],
          rhoWithVerbosity: {
            before: round(trained.debiasing.before[j] ?? Number.NaN),
            after: trained.debiasing.after[j],
          },
        },
      };
    }),
    debiasing: {
      method: 'exact roots of Eq 3 (Spearman)',
      referenceResponses: trained.debiasing.rows,
      worstResidualRho: Math.max(...trained.debiasing.after.map(Math.abs)),
    },
    gateTraining: {
      beta: trained.gate.beta,
      pairs: trained.gate.pairs,
      lastStep: trained.gate.lastStep,
      meanGate: [...trained.meanGate].map(round),
    },
    dev: judgeSplit(trained, data, evaluations, 'dev'),
    test: judgeSplit(trained, data, evaluations, 'test'),
  };
}

export type Report = ReturnType<typeof buildReport>;
