/**
 * What each of the 19 objectives is trained on: data, no code. Every number that is a judgment of ours stands here.
 *
 * A source's rows are brought to mean 0.5 and standard deviation 0.08 within the source before they are mixed, so that no
 * label says which source a text came from.
 */
import type { ContrastKind } from './dataset.ts';

/** How good a twin is for this objective, 0…1; the good answer is 1. Kinds not named are not used. */
export type ContrastLevels = Readonly<Partial<Record<ContrastKind, number>>>;

export type ComputedMeasure = 'length' | 'reading-complexity' | 'code-complexity' | 'code-explanation';

export type LabelSource = {
  /** Relative weight; a source's total weight is this times the square root of its rows. */
  readonly weight: number;
} & (
  | {
      /** `rating`: a rating of the data by name. `pairs`: chosen 1, rejected 0; `name` is `source` or `source/subset prefix`. */
      readonly from: 'rating' | 'pairs' | 'contrasts';
      readonly name: string;
    }
  | { readonly from: 'computed'; readonly name: ComputedMeasure }
);

export interface LabelRecipe {
  readonly objective: string;
  readonly kind: 'rated' | 'proxy' | 'computed' | 'contrast';
  readonly sources: readonly LabelSource[];
  readonly levels?: ContrastLevels;
  /** What the numbers are, in words, without counts. */
  readonly note: string;
}

/** A spoiled answer as a general judge would see it. */
const QUALITY: ContrastLevels = {
  'off-topic': 0,
  shuffled: 0.45,
  truncated: 0.35,
  repeated: 0.1,
  padded: 0.5,
  rude: 0.15,
  typos: 0.5,
  terse: 0,
  evasive: 0.05,
  overclaim: 0.6,
  'code-other-task': 0,
  'code-cut': 0.2,
  'code-comments': 0.75,
  'code-names': 0.6,
  'code-layout': 0.7,
  'code-bare': 0.6,
};
const rating = (name: string, weight = 1): LabelSource => ({ from: 'rating', name, weight });
const pairs = (name: string, weight = 1): LabelSource => ({ from: 'pairs', name, weight });
const contrasts = (weight = 1): LabelSource => ({ from: 'contrasts', name: 'built contrasts', weight });
const computed = (name: ComputedMeasure): LabelSource => ({ from: 'computed', name, weight: 1 });

export const LABEL_RECIPES: readonly LabelRecipe[] = [
  {
    objective: 'helpsteer-helpfulness',
    kind: 'proxy',
    sources: [
      rating('nemo_steerlm-helpfulness'),
      rating('helpsteer-helpfulness'),
      rating('tulu_human-acceptable'),
      rating('arena_bench-overall_quality', 0.7),
      contrasts(0.8),
    ],
    levels: QUALITY,
    note: 'Few ratings on HelpSteer’s own scale (given by a model); human acceptability and GPT-4’s overall quality stand in; built contrasts.',
  },
  {
    objective: 'helpsteer-correctness',
    kind: 'proxy',
    sources: [
      rating('nemo_steerlm-correctness'),
      rating('helpsteer-correctness'),
      rating('gsm8k-correct', 0.5),
      rating('factool-factual', 0.5),
      contrasts(0.6),
    ],
    levels: {
      'off-topic': 0,
      terse: 0.1,
      evasive: 0.1,
      truncated: 0.45,
      repeated: 0.3,
      shuffled: 0.6,
      typos: 0.7,
      padded: 0.85,
      rude: 0.85,
      overclaim: 0.6,
      'code-other-task': 0,
      'code-cut': 0.2,
    },
    note: 'Few model-given ratings; right and wrong sums and facts, which a model of this size hardly tells apart; built contrasts.',
  },
  {
    objective: 'helpsteer-coherence',
    kind: 'contrast',
    sources: [contrasts(1), rating('nemo_steerlm-coherence', 0.3), rating('helpsteer-coherence', 0.3)],
    levels: {
      shuffled: 0,
      repeated: 0.1,
      typos: 0.35,
      truncated: 0.3,
      'off-topic': 0.5,
      padded: 0.5,
      rude: 0.6,
      overclaim: 0.7,
      'code-cut': 0.3,
      'code-layout': 0.7,
    },
    note: 'Good answers against their shuffled, repeated, misspelt and truncated twins; the ratings at hand are nearly constant.',
  },
  {
    objective: 'helpsteer-complexity',
    kind: 'computed',
    sources: [
      computed('reading-complexity'),
      rating('nemo_steerlm-complexity', 0.5),
      rating('helpsteer-complexity', 0.5),
    ],
    note: 'Readability and vocabulary of the text (Flesch-Kincaid grade, word length, share of long words), not domain expertise; few model-given ratings.',
  },
  {
    objective: 'helpsteer-verbosity',
    kind: 'computed',
    sources: [computed('length'), rating('nemo_steerlm-verbosity', 0.3), rating('helpsteer-verbosity', 0.3)],
    note: 'Logarithm of the response’s length in tokens; few model-given ratings.',
  },
  {
    objective: 'ultrafeedback-overall_score',
    kind: 'rated',
    sources: [rating('ultrafeedback-overall_score', 1.5), contrasts(0.6)],
    levels: QUALITY,
    note: 'UltraFeedback’s overall score by GPT-4 (a subset, with its known errors); built contrasts.',
  },
  {
    objective: 'ultrafeedback-instruction_following',
    kind: 'proxy',
    sources: [
      pairs('ifbench_arm'),
      pairs('tulu3_if_sample'),
      pairs('pandalm'),
      rating('tulu_human-acceptable'),
      contrasts(0.8),
    ],
    levels: {
      'off-topic': 0,
      terse: 0,
      evasive: 0,
      truncated: 0.35,
      repeated: 0.1,
      padded: 0.6,
      shuffled: 0.6,
      rude: 0.5,
      typos: 0.7,
      overclaim: 0.7,
      'code-other-task': 0,
      'code-cut': 0.2,
    },
    note: 'Preferences between answers that keep and break constraints, human acceptability; built contrasts.',
  },
  {
    objective: 'ultrafeedback-truthfulness',
    kind: 'proxy',
    sources: [
      rating('truthfulqa-truthful'),
      rating('factool-factual', 0.5),
      rating('summedits-consistent', 0.5),
      pairs('truthfulqa_judge', 0.5),
      contrasts(0.3),
    ],
    levels: { overclaim: 0.3, 'off-topic': 0.4 },
    note: 'Human judgments of one-sentence answers (TruthfulQA), facts and summaries; overclaiming and off-topic twins.',
  },
  {
    objective: 'ultrafeedback-honesty',
    kind: 'contrast',
    sources: [
      contrasts(1),
      rating('truthfulqa-truthful', 0.5),
      pairs('prometheus_bench/hhh-honest'),
      pairs('prometheus_bench/hhh-other', 0.3),
    ],
    levels: { overclaim: 0, 'off-topic': 0.5, rude: 0.5, padded: 0.8, truncated: 0.8 },
    note: 'Answers against twins that claim total certainty; truthful short answers; few honesty preferences.',
  },
  {
    objective: 'ultrafeedback-helpfulness',
    kind: 'proxy',
    sources: [
      rating('arena_bench-overall_quality'),
      rating('truthfulqa-informative', 0.7),
      pairs('prometheus_bench/hhh-helpful', 0.5),
      contrasts(0.8),
    ],
    levels: QUALITY,
    note: 'GPT-4’s overall quality, human informativeness of short answers; built contrasts.',
  },
  {
    objective: 'beavertails-is_safe',
    kind: 'proxy',
    sources: [
      rating('gptfuzz-is_safe'),
      rating('jailbreakbench-is_safe'),
      rating('diasafety-is_safe'),
      rating('dices-is_safe', 0.7),
      pairs('hh_harmless', 0.7),
      pairs('prometheus_bench/hhh-harmless', 0.5),
      contrasts(0.5),
    ],
    levels: { rude: 0, evasive: 1, terse: 1, 'off-topic': 1, typos: 1 },
    note: 'Human and judge safety labels of other red-team sets; rude twins as unsafe.',
  },
  {
    objective: 'prometheus-score',
    kind: 'rated',
    sources: [rating('prometheus-score', 1.5), pairs('prometheus_bench', 0.5), contrasts(0.5)],
    levels: QUALITY,
    note: 'Scores of the Prometheus benchmark by GPT-4 (few); its preference pairs; built contrasts.',
  },
  {
    objective: 'argilla-overall_quality',
    kind: 'proxy',
    sources: [
      rating('arena_bench-overall_quality'),
      rating('mtbench-overall_quality', 0.7),
      rating('kto_mix-desirable'),
      contrasts(0.6),
    ],
    levels: QUALITY,
    note: 'GPT-4’s overall quality and thumbs up or down from a mixture of Argilla’s sets; built contrasts.',
  },
  {
    objective: 'argilla-judge_lm',
    kind: 'proxy',
    sources: [
      rating('mtbench-overall_quality'),
      rating('vicunabench-overall_quality'),
      rating('kto_mix-desirable', 0.7),
      contrasts(0.6),
    ],
    levels: QUALITY,
    note: 'Judge-model grades of MT-Bench and Vicuna answers; built contrasts.',
  },
  {
    objective: 'code-complexity',
    kind: 'computed',
    sources: [computed('code-complexity')],
    note: 'Branches, nesting, names and lines of the code in the answer; trained on answers that hold code only.',
  },
  {
    objective: 'code-style',
    kind: 'contrast',
    sources: [contrasts(1)],
    levels: { 'code-layout': 0, 'code-names': 0.3, 'code-comments': 0.5, 'code-cut': 0.6 },
    note: 'Code against the same code with its layout, names or comments spoiled; trained on answers that hold code only.',
  },
  {
    objective: 'code-explanation',
    kind: 'computed',
    sources: [computed('code-explanation'), contrasts(0.7)],
    levels: { 'code-bare': 0, 'code-comments': 0.3 },
    note: 'Words of prose and comments for each line of code; the same code stripped of them.',
  },
  {
    objective: 'code-instruction-following',
    kind: 'contrast',
    sources: [contrasts(1), rating('bigcodebench-correct', 0.5), rating('mbpp-correct', 0.7), pairs('ilf_mbpp', 0.5)],
    levels: { 'code-other-task': 0, 'code-cut': 0.3, 'code-bare': 0.9 },
    note: 'Code against another task’s code and against cut code; programs that pass their tests or do not, which a model of this size hardly tells apart.',
  },
  {
    objective: 'code-readability',
    kind: 'contrast',
    sources: [contrasts(1)],
    levels: { 'code-names': 0.1, 'code-layout': 0.2, 'code-comments': 0.4, 'code-cut': 0.7 },
    note: 'Code against the same code with meaningless names, spoiled layout or no comments; trained on answers that hold code only.',
  },
];
