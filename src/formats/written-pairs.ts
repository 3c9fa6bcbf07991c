/** The pairs written for this page (`public/sample/written-pairs.jsonl`), and what the embedded model says of them. Files of the page's own. */
import { ScoredSetBuilder, type ScoredHead, type ScoredSet } from '@/core/scored-set.ts';
import { conversation, type LineMessage } from './conversation-fields.ts';

export interface WrittenPair {
  readonly id: string;
  readonly subset: string;
  /** The conversation before the answer; in the file a text, or messages. */
  readonly messages: readonly LineMessage[];
  readonly chosen: string;
  readonly rejected: string;
}

/** What a model says of one response; of a recording rounded to nine digits. */
export interface RecordedResponse {
  readonly score: number;
  /** `[k]` each. */
  readonly rewards: ArrayLike<number>;
  readonly gateWeights: ArrayLike<number>;
  readonly gateLogits: ArrayLike<number>;
  readonly responseTokens: number;
}

export interface RecordedPairs {
  /** Package id of the model. */
  readonly model: string;
  /** Chosen and rejected of every pair, in the order of the file. */
  readonly pairs: readonly (readonly [RecordedResponse, RecordedResponse])[];
}

/** Every line of the file; a test reads them all. */
export function readWrittenPairs(text: string): WrittenPair[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): WrittenPair => {
      const { prompt, ...pair } = JSON.parse(line);
      return { ...pair, messages: conversation(prompt, 'prompt') };
    });
}

/** The pairs as a set, without their texts. @param scored as in `RecordedPairs`, one for each pair. */
export function writtenPairsSet(
  pairs: readonly WrittenPair[],
  scored: RecordedPairs['pairs'],
  { objectives, modelId, head }: { objectives: readonly string[]; modelId: string; head: ScoredHead },
): ScoredSet {
  const builder = new ScoredSetBuilder(objectives, modelId, head);
  for (const [index, { id, subset }] of pairs.entries()) {
    const [chosen, rejected] = scored[index]!;
    builder.addGroup(id, index + 1, [
      { ...chosen, subset, role: 'chosen' },
      { ...rejected, subset, role: 'rejected' },
    ]);
  }
  return builder.finish();
}
