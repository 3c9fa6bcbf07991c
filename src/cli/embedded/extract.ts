/**
 * Runs the project's own engine over the chosen groups and keeps their features. Resumable: what the store has is not
 * computed again. Every response is a run of its own after its prompt's, so its numbers do not depend on where a run was stopped.
 */
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import type { Group } from './dataset.ts';
import { gateKey, responseKey } from './feature-store.ts';
import type { FeatureStore } from './feature-store.ts';

/** Longest scored sequence, in tokens; longer responses are left out, never cut. */
export const TOKEN_LIMIT = 512;
/** A shard is written after this many tokens, so a kill loses about a minute. */
const FLUSH_TOKENS = 15_000;

/** One group with the responses that fit. */
export interface PlannedGroup {
  readonly group: Group;
  readonly responses: readonly string[];
  /** Tokens to compute: the prompt once and every response. */
  readonly tokens: number;
}

/**
 * The longest prefix of the groups that fits the budget. Tokenises only; depends on the groups and the budget alone.
 * @throws EngineError of the engine.
 */
export async function planExtraction(
  engine: RewardEngine,
  groups: readonly Group[],
  tokenBudget: number,
): Promise<PlannedGroup[]> {
  const planned: PlannedGroup[] = [];
  let total = 0;
  for (const group of groups) {
    let tokens = 0;
    const responses: string[] = [];
    for (const response of group.responses) {
      const { tokenIds, responseStart } = await engine.tokenize(group.prompt, response);
      if (tokenIds.length > TOKEN_LIMIT) continue;
      tokens += tokenIds.length - (responses.length === 0 ? 0 : responseStart);
      responses.push(response);
    }
    total += tokens;
    if (total > tokenBudget) break;
    planned.push({ group, responses, tokens });
  }
  return planned;
}

export interface ExtractionProgress {
  readonly tokens: number;
  readonly tokensTotal: number;
  readonly tokensPerSecond: number;
}

/**
 * Computes what the store lacks of `planned`, in order.
 * @throws EngineError of the engine, after writing what was computed.
 */
export async function extractFeatures(
  engine: RewardEngine,
  planned: readonly PlannedGroup[],
  store: FeatureStore,
  onProgress: (progress: ExtractionProgress) => void,
): Promise<void> {
  const startedAt = performance.now();
  const tokensTotal = planned.reduce((sum, { tokens }) => sum + tokens, 0);
  let tokens = 0;
  let computed = 0;
  let unsaved = 0;
  try {
    for (const plan of planned) {
      tokens += plan.tokens;
      if (isStored(plan, store)) continue;
      await extractGroup(engine, plan, store);
      computed += plan.tokens;
      unsaved += plan.tokens;
      if (unsaved >= FLUSH_TOKENS) {
        await store.flush();
        unsaved = 0;
      }
      onProgress({ tokens, tokensTotal, tokensPerSecond: (computed * 1000) / (performance.now() - startedAt) });
    }
  } finally {
    await store.flush();
  }
}

export function isStored({ group, responses }: PlannedGroup, store: FeatureStore): boolean {
  if (responses.length === 0) return true;
  return (
    store.get(gateKey(group.key)) !== undefined &&
    responses.every((response) => store.get(responseKey(group.key, response)) !== undefined)
  );
}

async function extractGroup(
  engine: RewardEngine,
  { group, responses }: PlannedGroup,
  store: FeatureStore,
): Promise<void> {
  const missing = responses.filter((response) => store.get(responseKey(group.key, response)) === undefined);
  const result = await engine.score({
    messages: group.prompt,
    responses: missing.length === 0 ? responses : missing,
    features: true,
  });
  for (const [index, scored] of result.responses.entries()) {
    const response = missing[index];
    if (scored.feature === undefined || scored.gateFeature === undefined)
      throw new Error('the engine returned no features');
    if (response !== undefined) store.add(responseKey(group.key, response), scored.feature, scored.tokens.response);
    if (index === 0 && store.get(gateKey(group.key)) === undefined)
      store.add(gateKey(group.key), scored.gateFeature, scored.tokens.prompt);
  }
}
