/**
 * Where the training data come from, for attribution: the data's own description (DATASETS.md beside them) in short. Only
 * sources of licence class "clean" that the recipe uses.
 */
export interface DataSource {
  /** Name in the data files. */
  readonly source: string;
  /** GitHub repository, or what else was copied from. */
  readonly origin: string;
  readonly licence: string;
  readonly content: string;
}

export const DATA_SOURCES: readonly DataSource[] = [
  {
    source: 'nemo_steerlm',
    origin: 'NVIDIA/NeMo-Aligner',
    licence: 'Apache-2.0',
    content: 'HelpSteer attributes given by a model',
  },
  {
    source: 'helpsteer2_sample',
    origin: 'NVIDIA/NeMo-Aligner (HelpSteer2 form)',
    licence: 'Apache-2.0; HelpSteer2 is CC-BY-4.0',
    content: 'a format sample',
  },
  {
    source: 'ultrafeedback_subset',
    origin: 'OpenBMB/UltraFeedback, through kkminions888-ops/ultrafeedback-dpo-noise-study',
    licence: 'MIT',
    content: 'overall scores and preferences by GPT-4',
  },
  {
    source: 'arena_bench_v1',
    origin: 'lm-sys/arena-hard-auto',
    licence: 'Apache-2.0',
    content: 'overall quality by GPT-4',
  },
  {
    source: 'mtbench_single',
    origin: 'FastChat forks, dreaming-panda/MTBench, instructlab/eval',
    licence: 'Apache-2.0',
    content: 'MT-Bench grades by GPT-4',
  },
  {
    source: 'vicunabench',
    origin: 'lm-sys/vicuna-blog-eval, artidoro/qlora',
    licence: 'Apache-2.0, MIT',
    content: 'scores and preferences by GPT-4',
  },
  {
    source: 'prometheus_bench',
    origin: 'prometheus-eval/prometheus-eval (with the HHH pairs of BIG-bench)',
    licence: 'Apache-2.0',
    content: 'scores by GPT-4, preferences',
  },
  { source: 'gptfuzz', origin: 'sherdencooper/GPTFuzz', licence: 'MIT', content: 'safety of responses, by people' },
  {
    source: 'jailbreakbench',
    origin: 'JailbreakBench/artifacts',
    licence: 'MIT',
    content: 'safety of responses, by a judge model',
  },
  {
    source: 'dices',
    origin: 'google-research-datasets/dices-dataset, through dmg-illc/JUDGE-BENCH',
    licence: 'CC-BY-4.0',
    content: 'safety of replies, by about 70 people each',
  },
  { source: 'diasafety', origin: 'thu-coai/DiaSafety', licence: 'Apache-2.0', content: 'safety of replies, by people' },
  {
    source: 'hh_harmless',
    origin: 'anthropics/hh-rlhf',
    licence: 'MIT',
    content: 'harmlessness preferences, by people',
  },
  {
    source: 'truthfulqa_judge',
    origin: 'sylinrl/TruthfulQA, through koppula/TruthfulQA',
    licence: 'Apache-2.0',
    content: 'truth and informativeness, by people',
  },
  {
    source: 'gsm8k_solutions',
    origin: 'openai/grade-school-math',
    licence: 'MIT',
    content: 'right and wrong solutions',
  },
  {
    source: 'summedits',
    origin: 'salesforce/factualNLG',
    licence: 'Apache-2.0',
    content: 'consistency of summaries, by people',
  },
  {
    source: 'factool',
    origin: 'GAIR-NLP/factool',
    licence: 'Apache-2.0',
    content: 'factuality of responses, by people',
  },
  {
    source: 'recipes',
    origin: 'interactive-cookbook/recipe-generation, through dmg-illc/JUDGE-BENCH',
    licence: 'Apache-2.0, CC-BY-4.0',
    content: 'recipes (texts only)',
  },
  {
    source: 'bigcodebench_pass',
    origin: 'VichyTong/CodeJudge',
    licence: 'Apache-2.0',
    content: 'programs that pass their tests or do not',
  },
  {
    source: 'ilf_mbpp',
    origin: 'nyu-mll/ILF-for-code-generation',
    licence: 'MIT',
    content: 'programs that pass their tests or do not, repairs',
  },
  {
    source: 'tulu_human',
    origin: 'allenai/open-instruct',
    licence: 'Apache-2.0',
    content: 'acceptability and preferences, by people',
  },
  { source: 'pandalm', origin: 'WeOpenML/PandaLM', licence: 'Apache-2.0', content: 'preferences, by people' },
  {
    source: 'ifbench_arm',
    origin: 'THU-KEG/Agentic-Reward-Modeling',
    licence: 'MIT',
    content: 'preferences by constraint checks',
  },
  {
    source: 'dpo_mix',
    origin: 'hiyouga/LLaMA-Factory (samples of DPO-En-Zh-20k and argilla/kto-mix-15k)',
    licence: 'Apache-2.0',
    content: 'preferences, thumbs up and down',
  },
  {
    source: 'tulu3_if_sample',
    origin: 'allenai/open-instruct',
    licence: 'Apache-2.0',
    content: 'preferences by a judge model',
  },
];
