/**
 * What another head makes of responses that were scored before: its regression and gate read the hidden states that were kept, so the
 * backbone has nothing to do. A row is in memory at a time, and every number has the bits that the head gives the response alone.
 */
import { gateLogits, rewards as rewardsOf } from '@/core/reward-head.ts';
import { FormatError } from '@/formats/errors.ts';
import type { LineMessage } from '@/formats/conversation-fields.ts';
import { isJsonObject } from '@/formats/json-file.ts';
import type { RescoredRows, RescoreRequest } from '@/jobs/api/debias.ts';
import { contentHasher } from './content-hash.ts';
import type { ResultCache } from './result-cache.ts';

export interface Rescoring extends Omit<RescoreRequest, 'folder'> {
  /** Opened for `modelId`. */
  readonly cache: ResultCache;
  readonly onProgress?: (doneRows: number, totalRows: number) => void;
}

const reportEvery = 32;

/**
 * Rows whose hidden states are not kept are counted, and nothing is computed where there is one.
 * @throws FormatError where a kept hidden state is not as wide as the head; what the store throws.
 */
export async function rescore({ cache, modelId, rows, head, onProgress }: Rescoring): Promise<RescoredRows> {
  const { texts, groupOf, promptOf, prompts } = rows;
  const { objectives: k, featureSize: d, regression, gate } = head;
  const n = promptOf.length;
  const hash = await contentHasher(modelId);
  const hashes: string[] = [];
  let missing = 0;
  let group = -1;
  let messages: readonly LineMessage[] | undefined;
  for (let row = 0; row < n; row++) {
    if (groupOf[row] !== group) {
      group = groupOf[row]!;
      messages = messagesOf(texts.messages[group]);
    }
    const found = messages === undefined ? undefined : hash(messages, texts.responses[row] ?? '');
    if (found === undefined || !(await cache.hasFeatures(found))) missing += 1;
    hashes.push(found ?? '');
  }
  if (missing > 0) return { missing, rewards: undefined, gateLogits: undefined };
  const rewards = regression === undefined ? undefined : new Float64Array(n * k);
  const logits = gate === undefined ? undefined : new Float64Array(prompts * k);
  const hasLogits = new Uint8Array(prompts);
  for (let row = 0; row < n; row++) {
    const kept = await cache.features(hashes[row]!);
    if (kept === undefined)
      throw new FormatError('missing-file', 'results', 'a hidden state was removed meanwhile.', 'Try again.');
    if (kept.feature.length !== d || kept.gateFeature.length !== d)
      throw new FormatError('mismatch', 'results', `hidden states of ${kept.feature.length} for a head of ${d}.`);
    if (regression !== undefined)
      rewards?.set(rewardsOf({ objectives: k, featureSize: d, regression }, kept.feature), row * k);
    const prompt = promptOf[row]!;
    if (gate !== undefined && hasLogits[prompt] === 0) {
      logits?.set(gateLogits({ featureSize: d, gate }, kept.gateFeature), prompt * k);
      hasLogits[prompt] = 1;
    }
    if ((row + 1) % reportEvery === 0 || row + 1 === n) onProgress?.(row + 1, n);
  }
  return { missing: 0, rewards, gateLogits: logits };
}

function messagesOf(json: string | undefined): readonly LineMessage[] | undefined {
  if (json === undefined || json === '') return undefined;
  try {
    const value: unknown = JSON.parse(json);
    return Array.isArray(value) && value.every(isMessage) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isMessage(value: unknown): value is LineMessage {
  return isJsonObject(value) && typeof value['role'] === 'string' && typeof value['content'] === 'string';
}
