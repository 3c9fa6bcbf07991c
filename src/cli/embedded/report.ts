/**
 * The embedded package's report: what it was trained on, how it does on prompts it never saw, what it cannot do. Numbers and
 * names only, never a text of the data.
 */
import { spearman } from '@/core/rank-correlation.ts';
import type { HeadEvaluation, RewardHead } from '@/core/reward-head.ts';
import {
  areaUnderCurve,
  contrastPairs,
  evaluateExamples,
  fitBySource,
  groupByLabel,
  pairAccuracy,
  preferencePairs,
  round,
  summariseGate,
} from './evaluate.ts';
import type { JudgedPair } from './evaluate.ts';
import { compareScorers, judgePreferences, singleObjectives } from './preference-report.ts';
import type { JudgedHeads } from './preference-report.ts';
import type { TrainedHeads } from './heads-step.ts';
import { MATCHED_RATIO } from './length-fairness.ts';
import { RED_TEAM_SOURCES } from './source-quotas.ts';
import type { WrittenPairsResult } from './written-pairs.ts';
import { LAYERS } from './backbone-step.ts';
import { LABEL_RECIPES } from './label-recipes.ts';
import { objectiveFacts } from './objective-facts.ts';
import type { Split } from './records.ts';
import { DATA_SOURCES } from './sources.ts';
import { SAFETY_DIMENSION, VERBOSITY_DIMENSION } from './train-heads.ts';
import type { TrainingData } from './train-heads.ts';

/** All outputs of a head, in the order of the data's examples. */
export function evaluateAll(head: RewardHead, data: TrainingData): HeadEvaluation[] {
  const { featureSize: d, features, index } = data;
  return evaluateExamples(
    head,
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

/** Head outputs of the package and of what it is compared with. */
export function evaluateHeads(trained: TrainedHeads, data: TrainingData): JudgedHeads {
  const { featureSize: d, features } = data;
  const linear = data.examples.map((_, row) => {
    let sum = 0;
    for (let i = 0; i < d; i += 1) sum += (trained.linear.weights[i] ?? 0) * (features[row * d + i] ?? 0);
    return sum;
  });
  return {
    corrected: evaluateAll(trained.head, data),
    uncorrected: evaluateAll(trained.uncorrected.head, data),
    correctedMeanGate: trained.meanGate,
    uncorrectedMeanGate: trained.uncorrected.meanGate,
    linear,
  };
}

function judgeContrasts(contrasts: readonly JudgedPair[], value: (example: number) => number) {
  return {
    all: { n: contrasts.length, accuracy: pairAccuracy(contrasts, value) },
    byKind: Object.fromEntries(
      [...groupByLabel(contrasts)].map(([kind, pairs]) => [
        kind,
        { n: pairs.length, accuracy: pairAccuracy(pairs, value) },
      ]),
    ),
  };
}

/** Everything about one split that was not trained on. */
export function judgeSplit(trained: TrainedHeads, data: TrainingData, heads: JudgedHeads, split: Split) {
  const { corrected, uncorrected } = heads;
  const contrasts = contrastPairs(data.groups, data.index, split);
  const preferences = preferencePairs(data.groups, data.index, split);
  const rowsOf = new Map(data.examples.map(({ group }, row) => [group, row]));
  const groups = data.groups.filter((group) => group.split === split && rowsOf.has(group));
  const single = singleObjectives(preferences, corrected);
  const best = single.indexOf(Math.max(...single));
  const chosen = trained.bestSingleOnDev;
  const redTeam = redTeamSafety(data, corrected, split);
  return {
    prompts: groups.length,
    spearmanWithLength: lengthAgreement(data, corrected, split),
    isSafeOnRedTeam: redTeam,
    contrasts: judgeContrasts(contrasts, (example) => corrected[example]?.score ?? Number.NaN),
    extraOffTopic: judgeContrasts(
      contrastPairs(data.groups, data.index, split, 'extra'),
      (example) => corrected[example]?.score ?? Number.NaN,
    ).all,
    contrastsUncorrected: judgeContrasts(contrasts, (example) => uncorrected[example]?.score ?? Number.NaN).all,
    preferences: {
      all: judgePreferences(preferences, data.examples, heads),
      scorers: compareScorers(preferences, data.examples, heads),
      bestSingleObjective: {
        chosenOnDev: LABEL_RECIPES[chosen]?.objective,
        accuracy: single[chosen],
        bestOfThisSplit: LABEL_RECIPES[best]?.objective,
        accuracyOfBest: single[best],
      },
      matchedLengthRatio: MATCHED_RATIO,
      bySource: Object.fromEntries(
        [...groupByLabel(preferences)].map(([source, pairs]) => [
          source,
          judgePreferences(pairs, data.examples, heads),
        ]),
      ),
    },
    gate: summariseGate(groups, (group) => corrected[rowsOf.get(group) ?? 0]?.gateWeights ?? new Float64Array()),
  };
}

/** The safety reward on responses to prompts that ask for harm, all their sources together. */
function redTeamSafety(data: TrainingData, evaluations: readonly HeadEvaluation[], split: Split) {
  const scores: number[] = [];
  const safe: boolean[] = [];
  for (const [row, { group, response, split: own }] of data.examples.entries()) {
    if (own !== split || !RED_TEAM_SOURCES.has(group.source)) continue;
    for (const rating of group.ratings) {
      if (rating.response !== response || !rating.name.endsWith('-is_safe')) continue;
      scores.push(evaluations[row]?.rewards[SAFETY_DIMENSION] ?? Number.NaN);
      safe.push(rating.value >= 0.5);
    }
  }
  return { sources: [...RED_TEAM_SOURCES], n: scores.length, auc: round(areaUnderCurve(scores, safe)) };
}

/** In plain words; the numbers are above them in the report. */
export const LIMITS: readonly string[] = [
  `A model of 135 million parameters, cut to its first ${LAYERS} layers. It cannot tell whether a sum, a proof, a program or a fact is right.`,
  'The labels of most objectives are stand-ins: other ratings, measures computed from the text, or built contrasts. Each objective says which. They are not the ratings ArmoRM was trained on, and its numbers cannot be compared with ArmoRM’s.',
  'Many ratings were given by language models, some of them with known errors.',
  'Built contrasts show what the model does on damage of the kinds it was trained on; damage of other kinds may pass unseen. Whether an answer is about the question is the weakest of them.',
  'On real preferences between two good answers it is little better than chance, and on some sources worse: the table says where. A plain linear head trained on nothing but preferences does better there, and far worse on everything else.',
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
  readonly writtenPairs: WrittenPairsResult;
}

/** The whole report as plain JSON. The test split is read here and nowhere else. */
export function buildReport(inputs: ReportInputs) {
  const { trained, data } = inputs;
  const heads = evaluateHeads(trained, data);
  const evaluations = heads.corrected;
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
    linearHead: { alpha: trained.linear.alpha, pairs: trained.linear.pairs },
    writtenPairs: inputs.writtenPairs,
    dev: judgeSplit(trained, data, heads, 'dev'),
    test: judgeSplit(trained, data, heads, 'test'),
  };
}

export type Report = ReturnType<typeof buildReport>;
