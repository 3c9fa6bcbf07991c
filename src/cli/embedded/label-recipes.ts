/**
 * What each of the 19 objectives is trained on: data, no code. Every number that is a judgment of ours stands here.
 *
 * A source's rows are brought to mean 0.5 and standard deviation 0.08 within the source before they are mixed, so that no
 * label says which source a text came from.
 */
import type { ContrastKind } from './dataset.ts';

/** How good a twin is for this objective; the good answer is 1, the worst of equal length 0. Kinds not named are not used. */
export type ContrastLevels = Readonly<Partial<Record<ContrastKind, number>>>;

export type ComputedMeasure = 'length' | 'reading-complexity' | 'code-complexity' | 'code-explanation';

export type LabelSource = {
  /** Relative weight; a source's total weight is this times the square root of its rows. */
  readonly weight: number;
} & (
  | {
      /**
       * `rating`: a rating of the data by name. `pairs`: chosen over rejected; `name` is `source` or `source/subset prefix`, or `all`.
       * `contrasts`: good answers over their twins, by the recipe's levels (`… of code`: of answers that hold code). `anchor`: natural responses (`code`: those with code)
       * at the middle of the scale.
       */
      readonly from: 'rating' | 'pairs' | 'contrasts' | 'anchor';
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

/**
 * A spoiled answer of prose as a general judge would see it, near the bottom whatever the damage: a label half-way up teaches a
 * margin that is lost in the noise between prompts. Twins that are shorter than their answer lie below it, because the verbosity
 * correction gives back to short texts what Eq 3 takes from long ones. Code and unsafe answers belong to objectives of their own, which leaves the
 * gate something to choose.
 */
const QUALITY: ContrastLevels = {
  'off-topic': 0,
  shuffled: -0.1,
  truncated: -0.5,
  repeated: -0.1,
  padded: 0.14,
  rude: 0.05,
  typos: 0.15,
  terse: -0.5,
  evasive: -0.2,
  overclaim: 0.15,
  flattering: 0.14,
};
const rating = (name: string, weight = 1): LabelSource => ({ from: 'rating', name, weight });
const pairs = (name: string, weight = 1): LabelSource => ({ from: 'pairs', name, weight });
const contrasts = (weight = 1): LabelSource => ({ from: 'contrasts', name: 'built contrasts', weight });
/** Only those of answers that hold code. */
const codeContrasts = (weight = 1): LabelSource => ({ from: 'contrasts', name: 'built contrasts of code', weight });
const computed = (name: ComputedMeasure): LabelSource => ({ from: 'computed', name, weight: 1 });
/** All real preferences, whatever their source: what a general objective should not contradict. */
const everyPair = (): LabelSource => ({ from: 'pairs', name: 'all', weight: 0.7 });
/** What keeps a reward from moving between good answers for no reason; half a source. */
const anchor = (name: 'all' | 'code' = 'all'): LabelSource => ({ from: 'anchor', name, weight: 0.5 });

export const LABEL_RECIPES: readonly LabelRecipe[] = [
  {
    objective: 'helpsteer-helpfulness',
    kind: 'proxy',
    sources: [
      rating('nemo_steerlm-helpfulness'),
      rating('helpsteer-helpfulness'),
      rating('tulu_human-acceptable'),
      rating('arena_bench-overall_quality', 0.7),
      pairs('tulu_human'),
      pairs('pandalm'),
      contrasts(),
      everyPair(),
      anchor(),
    ],
    levels: QUALITY,
    note: 'Few ratings on HelpSteer’s own scale (given by a model); human acceptability and preferences and GPT-4’s overall quality stand in; all real preferences; built contrasts.',
  },
  {
    objective: 'helpsteer-correctness',
    kind: 'proxy',
    sources: [
      rating('nemo_steerlm-correctness'),
      rating('gsm8k-correct', 0.5),
      rating('factool-factual', 0.5),
      pairs('gsm8k', 0.3),
      contrasts(),
      everyPair(),
      anchor(),
    ],
    levels: { ...QUALITY, padded: 0.26, rude: 0.26, typos: 0.21, flattering: 0.26 },
    note: 'Few model-given ratings; right and wrong sums and facts, which a model of this size hardly tells apart; all real preferences; built contrasts.',
  },
  {
    objective: 'helpsteer-coherence',
    kind: 'contrast',
    sources: [contrasts(), everyPair(), anchor()],
    levels: {
      shuffled: -0.1,
      repeated: -0.1,
      typos: 0.1,
      truncated: -0.5,
      'off-topic': 0.3,
      padded: 0.15,
      rude: 0.18,
      overclaim: 0.21,
      flattering: 0.18,
      terse: -0.2,
    },
    note: 'Good answers against their shuffled, repeated, misspelt and truncated twins; all real preferences, lightly; the ratings at hand are nearly constant.',
  },
  {
    objective: 'helpsteer-complexity',
    kind: 'computed',
    sources: [computed('reading-complexity'), rating('nemo_steerlm-complexity', 0.5), anchor()],
    note: 'Readability and vocabulary of the text (Flesch-Kincaid grade, word length, share of long words), not domain expertise; few model-given ratings.',
  },
  {
    objective: 'helpsteer-verbosity',
    kind: 'computed',
    sources: [computed('length'), rating('nemo_steerlm-verbosity', 0.3), anchor()],
    note: 'Logarithm of the response’s length in tokens; few model-given ratings.',
  },
  {
    objective: 'ultrafeedback-overall_score',
    kind: 'rated',
    sources: [rating('ultrafeedback-overall_score', 1.5), pairs('ultrafeedback'), contrasts(), everyPair(), anchor()],
    levels: QUALITY,
    note: 'UltraFeedback’s overall score and preferences by GPT-4 (a subset, with its known errors); all real preferences; built contrasts.',
  },
  {
    objective: 'ultrafeedback-instruction_following',
    kind: 'proxy',
    sources: [
      rating('tulu_human-acceptable', 0.5),
      pairs('ifbench'),
      pairs('tulu3'),
      pairs('pandalm'),
      contrasts(),
      everyPair(),
      anchor(),
    ],
    levels: { ...QUALITY, rude: 0.15, typos: 0.21, overclaim: 0.21, padded: 0.18 },
    note: 'Preferences between answers that keep and break constraints, human acceptability; all real preferences; built contrasts.',
  },
  {
    objective: 'ultrafeedback-truthfulness',
    kind: 'proxy',
    sources: [
      rating('truthfulqa-truthful'),
      rating('factool-factual', 0.5),
      rating('summedits-consistent', 0.5),
      pairs('truthfulqa'),
      contrasts(0.6),
      anchor(),
    ],
    levels: { overclaim: 0.1, 'off-topic': 0.12, flattering: 0.15 },
    note: 'Human judgments of one-sentence answers (TruthfulQA), facts and summaries; overclaiming, flattering and off-topic twins.',
  },
  {
    objective: 'ultrafeedback-honesty',
    kind: 'contrast',
    sources: [
      rating('truthfulqa-truthful', 0.5),
      pairs('prometheus_bench/hhh-honest'),
      pairs('prometheus_bench/hhh-other', 0.3),
      contrasts(),
      everyPair(),
      anchor(),
    ],
    levels: {
      overclaim: 0,
      'off-topic': 0.12,
      rude: 0.15,
      padded: 0.21,
      truncated: 0.21,
      flattering: 0.06,
      evasive: 0.15,
    },
    note: 'Answers against twins that claim total certainty or flatter; truthful short answers; few honesty preferences, all others lightly.',
  },
  {
    objective: 'ultrafeedback-helpfulness',
    kind: 'proxy',
    sources: [
      rating('arena_bench-overall_quality'),
      rating('truthfulqa-informative', 0.7),
      pairs('prometheus_bench/hhh-helpful', 0.5),
      pairs('ultrafeedback', 0.5),
      contrasts(),
      everyPair(),
      anchor(),
    ],
    levels: QUALITY,
    note: 'GPT-4’s overall quality and preferences, human informativeness of short answers; all real preferences; built contrasts.',
  },
  {
    objective: 'beavertails-is_safe',
    kind: 'proxy',
    sources: [
      rating('gptfuzz-is_safe'),
      rating('jailbreakbench-is_safe', 1.5),
      rating('diasafety-is_safe'),
      rating('dices-is_safe', 0.7),
      pairs('hh_harmless'),
      pairs('prometheus_bench/hhh-harmless', 0.5),
      contrasts(0.8),
      anchor(),
    ],
    levels: { rude: 0.1, unsafe: 0 },
    note: 'Human and judge safety labels of other red-team sets, harmlessness preferences; refusals against unsafe answers, rude twins.',
  },
  {
    objective: 'prometheus-score',
    kind: 'rated',
    sources: [rating('prometheus-score', 1.5), pairs('prometheus_bench', 0.7), contrasts(), everyPair(), anchor()],
    levels: QUALITY,
    note: 'Scores of the Prometheus benchmark by GPT-4 (few); its preference pairs and all others; built contrasts.',
  },
  {
    objective: 'argilla-overall_quality',
    kind: 'proxy',
    sources: [
      rating('arena_bench-overall_quality'),
      rating('mtbench-overall_quality', 0.7),
      rating('kto_mix-desirable'),
      pairs('dpo_mix'),
      contrasts(),
      everyPair(),
      anchor(),
    ],
    levels: QUALITY,
    note: 'GPT-4’s overall quality, thumbs up or down and preferences from a mixture of Argilla’s sets; all real preferences; built contrasts.',
  },
  {
    objective: 'argilla-judge_lm',
    kind: 'proxy',
    sources: [
      rating('mtbench-overall_quality'),
      rating('vicunabench-overall_quality'),
      rating('kto_mix-desirable', 0.7),
      pairs('vicunabench'),
      contrasts(),
      everyPair(),
      anchor(),
    ],
    levels: QUALITY,
    note: 'Judge-model grades and preferences of MT-Bench and Vicuna answers; all real preferences; built contrasts.',
  },
  {
    objective: 'code-complexity',
    kind: 'computed',
    sources: [computed('code-complexity'), anchor('code')],
    note: 'Branches, nesting, names and lines of the code in the answer; trained on answers that hold code only.',
  },
  {
    objective: 'code-style',
    kind: 'contrast',
    sources: [codeContrasts(), anchor('code')],
    levels: { 'code-layout': 0, 'code-names': 0.1, 'code-comments': 0.15, 'code-cut': 0.12, 'code-other-task': 0.15 },
    note: 'Code against the same code with its layout, names or comments spoiled; trained on answers that hold code only.',
  },
  {
    objective: 'code-explanation',
    kind: 'computed',
    sources: [computed('code-explanation'), codeContrasts(0.7), anchor('code')],
    levels: { 'code-bare': 0, 'code-comments': 0.1, 'code-cut': 0.18 },
    note: 'Words of prose and comments for each line of code; the same code stripped of them.',
  },
  {
    objective: 'code-instruction-following',
    kind: 'contrast',
    sources: [
      rating('bigcodebench-correct', 0.5),
      rating('mbpp-correct', 0.7),
      pairs('ilf_mbpp'),
      codeContrasts(),
      anchor('code'),
    ],
    levels: {
      'code-talk': 0,
      terse: -0.5,
      evasive: -0.2,
      'off-topic': 0,
      'code-other-task': 0,
      'code-cut': 0.06,
      'code-bare': 0.18,
      'code-names': 0.18,
      'code-layout': 0.18,
      'code-comments': 0.18,
    },
    note: 'Code against another task’s code, cut and spoiled code; programs that pass their tests or do not, which a model of this size hardly tells apart.',
  },
  {
    objective: 'code-readability',
    kind: 'contrast',
    sources: [codeContrasts(), anchor('code')],
    levels: {
      'code-names': 0.03,
      'code-layout': 0.06,
      'code-comments': 0.12,
      'code-cut': 0.12,
      'code-other-task': 0.18,
    },
    note: 'Code against the same code with meaningless names, spoiled layout or no comments; trained on answers that hold code only.',
  },
];
