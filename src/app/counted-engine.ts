/** An engine whose calls count as running work; otherwise the engine it is given. */
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import { trackWork } from '@/state/pending-work.ts';

export function countedEngine(engine: RewardEngine): RewardEngine {
  return {
    load: (...parameters) => trackWork(engine.load(...parameters)),
    score: (...parameters) => trackWork(engine.score(...parameters)),
    tokenize: (...parameters) => trackWork(engine.tokenize(...parameters)),
    device: () => trackWork(engine.device()),
    unload: () => trackWork(engine.unload()),
    dispose: () => engine.dispose(),
  };
}
