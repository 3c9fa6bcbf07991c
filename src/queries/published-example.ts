/** Scores the model card's example on the loaded model and holds it against the published numbers. */
import {
  comparePublished,
  packageRounding,
  publishedPrompt,
  publishedResponse,
  type PublishedComparison,
} from '@/core/published-example.ts';
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import type { Manifest } from '@/formats/manifest.ts';

/** @throws EngineError as the engine's score does. */
export async function scorePublishedExample(
  engine: Pick<RewardEngine, 'score'>,
  { canaries }: Pick<Manifest, 'canaries'>,
): Promise<PublishedComparison> {
  const { responses } = await engine.score({
    messages: [{ role: 'user', content: publishedPrompt }],
    responses: [publishedResponse],
  });
  const [scored] = responses;
  return comparePublished(scored?.rewards ?? [], scored?.coefficients ?? [], packageRounding(canaries));
}
