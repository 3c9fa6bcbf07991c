/** The engine of the command line: Node's, with this machine's folders. */
import { createNodeEngine } from '@/engine/host/node-engine.ts';
import type { NodeEngineOptions } from '@/engine/host/node-engine.ts';
import type { RewardEngineHost } from '@/engine/host/reward-engine-host.ts';
import { diskFileSet } from './disk-files.ts';

export function createCliEngine(options: Omit<NodeEngineOptions, 'openDirectory'> = {}): RewardEngineHost {
  return createNodeEngine({ ...options, openDirectory: diskFileSet });
}
