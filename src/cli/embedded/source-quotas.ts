/** How much of each source goes into the data set: every number that is a judgment about sources. */

/** Longest prompt and response together, in characters: what surely fits 512 tokens is decided by the tokenizer later. */
export const CHARACTER_LIMIT = 1400;
/** Sources with few short examples, or with pairs of long ones, get more room. */
export const CHARACTER_LIMITS: ReadonlyMap<string, number> = new Map([
  ['nemo_steerlm', 2300],
  ['prometheus_bench', 2300],
  ['helpsteer2_sample', 2300],
  ['ultrafeedback_subset', 1700],
  ['dpo_mix', 1700],
  ['ifbench_arm', 1500],
  ['tulu_human', 1700],
  ['tulu3_if_sample', 2300],
]);

/** Most training pairs a source may bring. Absent: none. */
export const PREFERENCE_QUOTAS: ReadonlyMap<string, number> = new Map([
  ['ultrafeedback_subset', 220],
  ['dpo_mix', 180],
  ['hh_harmless', 220],
  ['tulu_human', 180],
  ['pandalm', 220],
  ['vicunabench', 160],
  ['prometheus_bench', 160],
  ['truthfulqa_judge', 280],
  ['ifbench_arm', 90],
  ['tulu3_if_sample', 60],
  ['gsm8k_solutions', 40],
  ['ilf_mbpp', 160],
]);
/** Dev and test pairs: all that fit, so that intervals are narrow, except of sources whose pairs are all of one kind. */
export const JUDGED_PREFERENCE_QUOTAS: ReadonlyMap<string, number> = new Map([['gsm8k_solutions', 20]]);

/** Most pairs of one prompt from one source. */
export const PAIRS_PER_PROMPT = 4;

/** Most rated responses a source may bring, and most for one prompt. Absent: none. */
export const RATING_QUOTAS: ReadonlyMap<string, readonly [responses: number, perPrompt: number]> = new Map([
  ['nemo_steerlm', [320, 4]],
  ['helpsteer2_sample', [6, 4]],
  ['ultrafeedback_subset', [400, 3]],
  ['arena_bench_v1', [260, 2]],
  ['mtbench_single', [110, 2]],
  ['vicunabench', [110, 3]],
  ['prometheus_bench', [300, 4]],
  ['gptfuzz', [300, 6]],
  ['jailbreakbench', [330, 4]],
  ['dices', [170, 2]],
  ['diasafety', [420, 2]],
  ['truthfulqa_judge', [1000, 3]],
  ['gsm8k_solutions', [60, 2]],
  ['summedits', [40, 4]],
  ['factool', [120, 2]],
  ['bigcodebench_pass', [200, 2]],
  ['ilf_mbpp', [312, 2]],
  ['tulu_human', [140, 2]],
  ['dpo_mix', [300, 3]],
]);

/** Prompts that ask for harm. */
export const RED_TEAM_SOURCES = new Set(['gptfuzz', 'jailbreakbench']);

/** A response rated this high (in [0, 1]), or preferred by these sources, is good enough to spoil. */
export const GOOD_RATINGS: ReadonlyMap<string, number> = new Map([
  ['ultrafeedback-overall_score', 0.75],
  ['arena_bench-overall_quality', 0.75],
  ['mtbench-overall_quality', 0.85],
  ['vicunabench-overall_quality', 0.7],
  ['tulu_human-acceptable', 0.99],
  ['kto_mix-desirable', 0.99],
  ['nemo_steerlm-helpfulness', 0.75],
  ['prometheus-score', 0.75],
  ['bigcodebench-correct', 0],
  ['mbpp-correct', 0.99],
  // Good enough for their topic.
  ['truthfulqa-informative', 0.99],
  ['gsm8k-correct', 0.99],
  ['factool-factual', 0.99],
]);
export const GOOD_CHOSEN = new Set([
  'ultrafeedback_subset',
  'dpo_mix',
  'tulu_human',
  'vicunabench',
  'pandalm',
  'ifbench_arm',
  'prometheus_bench',
]);
