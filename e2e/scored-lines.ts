/**
 * Files of scores as `npm run score` writes them, of any length: random rewards and gate logits under the head of a real package, so
 * that every score is what that head makes of them. For tests and benchmarks of the page; nothing here was said by a model.
 */
import { SeededRandom } from '@/base/random.ts';
import { diskFileSet } from '@/cli/disk-files.ts';
import { adjustedRewards, coefficients, gateWeights, score, type RewardHead } from '@/core/reward-head.ts';
import { formatScoreLine } from '@/formats/score-lines.ts';
import { openEntry, openPackage, readHeads } from '@/formats/model-package.ts';

/** The head of a package in a folder. */
export async function packageHead(folder: string): Promise<RewardHead> {
  const opened = await openPackage(diskFileSet(folder));
  return readHeads(await openEntry(opened.files, opened.manifest.heads), opened.manifest);
}

/** `pairs` lines of chosen and rejected responses. */
export function* scoredPairLines(head: RewardHead, pairs: number, seed = 1): Generator<string> {
  const random = new SeededRandom(seed);
  const k = head.objectives;
  const row = (spread: number, centre = 0) => Float64Array.from({ length: k }, () => centre + spread * random.normal());
  for (let pair = 0; pair < pairs; pair += 1) {
    const logits = row(head.gate.temperature);
    const response = () => {
      const rewards = row(0.1, 0.4);
      const adjusted = adjustedRewards(head, rewards);
      const g = gateWeights(head, logits);
      const responseTokens = 20 + random.integer(200);
      return {
        score: score(g, adjusted),
        rewards: [...rewards],
        adjustedRewards: [...adjusted],
        gateWeights: [...g],
        coefficients: [...coefficients(head, g)],
        tokens: 40 + responseTokens,
        responseTokens,
      };
    };
    const [chosen, rejected] = [response(), response()];
    yield `${formatScoreLine(new Map([['id', JSON.stringify(`pair-${pair + 1}`)]]), { chosen, rejected, margin: chosen.score - rejected.score })}\n`;
  }
}
