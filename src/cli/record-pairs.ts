/** The written pairs as the embedded package scores them, so that Debias has pairs to judge a correction on before any model runs. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { LoadedModel } from '@/engine/api/messages.ts';
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import {
  readWrittenPairs,
  type WrittenPair,
  type RecordedPairs,
  type RecordedResponse,
} from '@/formats/written-pairs.ts';

const sample = (name: string) => fileURLToPath(new URL(`../../public/sample/${name}`, import.meta.url));
export const recordedPairsFile = sample('written-pairs-scored.json');

export function writtenPairs() {
  return readWrittenPairs(readFileSync(sample('written-pairs.jsonl'), 'utf8'));
}

/** What the loaded model says of each pair, chosen first. */
export async function scorePairs(engine: RewardEngine, pairs: readonly WrittenPair[]): Promise<RecordedPairs['pairs']> {
  const recorded: (readonly [RecordedResponse, RecordedResponse])[] = [];
  for (const { messages, chosen, rejected } of pairs) {
    const { responses } = await engine.score({ messages, responses: [chosen, rejected] });
    const [first, second] = responses.map(({ score, rewards, gateWeights, gateLogits, tokens }): RecordedResponse => ({
      score,
      rewards: [...rewards],
      gateWeights: [...gateWeights],
      gateLogits: [...gateLogits],
      responseTokens: tokens.response,
    }));
    if (first === undefined || second === undefined) throw new Error('a pair has two scores');
    recorded.push([first, second]);
  }
  return recorded;
}

/** Writes what the loaded embedded package says of the written pairs. @param rounded as for `JSON.stringify`. */
export async function recordWrittenPairs(
  engine: RewardEngine,
  { manifest }: LoadedModel,
  rounded: (key: string, value: unknown) => unknown,
): Promise<void> {
  const recorded: RecordedPairs = { model: manifest.id, pairs: await scorePairs(engine, writtenPairs()) };
  writeFileSync(recordedPairsFile, `${JSON.stringify(recorded, rounded)}\n`);
}
