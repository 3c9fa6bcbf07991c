/**
 * The 19 objectives of ArmoRM in the order of the published checkpoint, which itself carries no names (armorm.md). What each
 * means and who labelled it: arXiv 2406.12845, appendix on data, and the data sets' cards.
 */

/** The same shape as the manifest's objective, stated here because `core` knows no file formats. */
export interface NamedObjective {
  readonly name: string;
  readonly group: string;
  readonly description: string;
  readonly nativeScale?: {
    readonly scale: number;
    readonly offset: number;
    readonly min: number;
    readonly max: number;
    readonly unit: string;
  };
  readonly labels: { readonly kind: 'rated'; readonly note: string };
}

/** The only published inverse: rating = 5 r − 0.5 on HelpSteer's 0…4 (armorm.md I10). */
const helpSteerScale = { scale: 5, offset: -0.5, min: 0, max: 4, unit: 'rating' } as const;
const helpSteer = 'Rated 0 to 4 by people (HelpSteer, NVIDIA).';
const ultraFeedback = 'Rated by GPT-4 (UltraFeedback, OpenBMB).';
const argilla = 'Judged by language models (Argilla).';
const code = 'Rated by a language model (CodeUltraFeedback).';

function objective(name: string, group: string, description: string, note: string): NamedObjective {
  return { name, group, description, labels: { kind: 'rated', note } };
}

export const ARMORM_OBJECTIVES: readonly NamedObjective[] = [
  {
    ...objective('helpsteer-helpfulness', 'helpsteer', 'How helpful the response is to what was asked.', helpSteer),
    nativeScale: helpSteerScale,
  },
  {
    ...objective(
      'helpsteer-correctness',
      'helpsteer',
      'Whether it states all pertinent facts, without errors.',
      helpSteer,
    ),
    nativeScale: helpSteerScale,
  },
  {
    ...objective('helpsteer-coherence', 'helpsteer', 'How consistent and clear its expression is.', helpSteer),
    nativeScale: helpSteerScale,
  },
  {
    ...objective(
      'helpsteer-complexity',
      'helpsteer',
      'How much expertise writing it takes, from plain language to that of a specialist.',
      helpSteer,
    ),
    nativeScale: helpSteerScale,
  },
  {
    ...objective(
      'helpsteer-verbosity',
      'helpsteer',
      'How much detail it has for what was asked: the objective that measures length.',
      helpSteer,
    ),
    nativeScale: helpSteerScale,
  },
  objective('ultrafeedback-overall_score', 'ultrafeedback', 'Overall quality.', ultraFeedback),
  objective(
    'ultrafeedback-instruction_following',
    'ultrafeedback',
    'How well it does what the instruction says.',
    ultraFeedback,
  ),
  objective('ultrafeedback-truthfulness', 'ultrafeedback', 'Whether what it says is true.', ultraFeedback),
  objective(
    'ultrafeedback-honesty',
    'ultrafeedback',
    'Whether it says how sure it is, and is as sure as it should be.',
    ultraFeedback,
  ),
  objective(
    'ultrafeedback-helpfulness',
    'ultrafeedback',
    'How useful and informative it is to the person who asked.',
    ultraFeedback,
  ),
  objective('beavertails-is_safe', 'safety', 'Whether it is harmless.', 'Labelled by people (BeaverTails, PKU).'),
  objective(
    'prometheus-score',
    'judge',
    'Quality by a rubric made for the question.',
    'Scored 1 to 5 by GPT-4 (Feedback Collection, Prometheus).',
  ),
  objective('argilla-overall_quality', 'judge', 'Overall quality.', argilla),
  objective('argilla-judge_lm', 'judge', 'Quality as the JudgeLM judge sees it.', argilla),
  objective('code-complexity', 'code', 'Whether the code is efficient for its task.', code),
  objective('code-style', 'code', 'Whether the code keeps to its language’s idioms.', code),
  objective('code-explanation', 'code', 'How well the code is explained.', code),
  objective('code-instruction-following', 'code', 'How well the code does what was asked.', code),
  objective('code-readability', 'code', 'How easily the code is read.', code),
];
