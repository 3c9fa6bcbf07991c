/** The engine, handed down from the composition root: features know its interface, never who makes it. */
import { createContext, useContext } from 'react';
import type { RewardEngine } from '@/engine/api/reward-engine.ts';

export const EngineContext = createContext<RewardEngine | undefined>(undefined);

/** @throws Error outside the composition root's provider: a mistake of ours, never of the person's. */
export function useEngine(): RewardEngine {
  const engine = useContext(EngineContext);
  if (engine === undefined) throw new Error('useEngine needs an EngineContext above it');
  return engine;
}
