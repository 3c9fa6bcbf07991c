/** The texts of a conversion as sequences for the backbone, and the features that come back as head outputs. */
import { evaluateHead, type RewardHead } from '@/core/reward-head.ts';
import { FormatError } from '@/formats/errors.ts';
import type { HeadOutputs, Manifest } from '@/formats/manifest.ts';
import { CANARY_MIN_TOKENS } from '@/formats/manifest-checks.ts';
import { CANARY_TEXTS, type TextCase, VERIFY_TEXTS } from './canary-texts.ts';
import type { ChatEncoder, EncodedText } from './conversion.ts';
import type { SequenceRows } from './reference-pass.ts';

export interface PreparedText {
  readonly kind: 'canary' | 'verify';
  readonly text: TextCase;
  readonly encoded: EncodedText;
}

/** Tokenises the canaries and, where asked for, the texts of `--verify`. @throws FormatError for a canary that is too short. */
export function prepareTexts(encoder: ChatEncoder, verify: boolean): PreparedText[] {
  const prepare =
    (kind: PreparedText['kind']) =>
    (text: TextCase): PreparedText => ({
      kind,
      text,
      encoded: encoder.encode(text.messages, text.response),
    });
  const canaries = CANARY_TEXTS.map(prepare('canary'));
  for (const { encoded } of canaries)
    if (encoded.tokenIds.length < CANARY_MIN_TOKENS)
      throw new FormatError(
        'mismatch',
        'tokenizer.json',
        `gives only ${encoded.tokenIds.length} tokens for a text of a hundred words, so it is no tokenizer of a language model.`,
      );
  return verify ? [...canaries, ...VERIFY_TEXTS.map(prepare('verify'))] : canaries;
}

/** One sequence per text, or two where the gate reads a prompt that is no prefix of the whole. */
export function sequencesOf(texts: readonly PreparedText[]): SequenceRows[] {
  return texts.flatMap(({ encoded }): SequenceRows[] => {
    const { tokenIds, scoredIndex, gateIndex, gateTokenIds } = encoded;
    if (gateTokenIds === undefined) return [{ tokenIds, rows: [scoredIndex, gateIndex] }];
    return [
      { tokenIds, rows: [scoredIndex] },
      { tokenIds: gateTokenIds, rows: [gateIndex] },
    ];
  });
}

/** Undoes `sequencesOf`: the features of every sequence, f32 [rows, d] each, as head outputs of every text. */
export function headOutputsOf(
  texts: readonly PreparedText[],
  features: readonly Float32Array[],
  head: RewardHead,
): HeadOutputs[] {
  const d = head.featureSize;
  const remaining = [...features];
  return texts.map(({ encoded }) => {
    const first = remaining.shift();
    const second = encoded.gateTokenIds === undefined ? first?.subarray(d) : remaining.shift();
    if (first === undefined || second === undefined) throw new Error('a sequence gave no features');
    const { rewards, gateWeights, score } = evaluateHead(head, first.subarray(0, d), second.subarray(0, d));
    return { rewards: [...rewards], gateWeights: [...gateWeights], score };
  });
}

/** The manifest's canaries from the texts of that kind and what was computed for every text. */
export function canariesOf(
  texts: readonly PreparedText[],
  reference: readonly HeadOutputs[],
  own: readonly HeadOutputs[],
): Manifest['canaries'] {
  return texts.flatMap(({ kind, text, encoded }, index) =>
    kind === 'canary'
      ? [
          {
            messages: [...text.messages, { role: 'assistant' as const, content: text.response }],
            tokenIds: [...encoded.tokenIds],
            reference: reference[index]!,
            own: own[index]!,
          },
        ]
      : [],
  );
}
