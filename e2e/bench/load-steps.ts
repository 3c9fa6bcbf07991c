/**
 * Opens a package, loads its stages and scores one short conversation, with the time and bytes of each step. Runs in Node and in a
 * browser. Proofs on canaries are left out: they are hundreds of tokens, and what is measured here is loading.
 */
import { evaluateHead } from '@/core/reward-head.ts';
import type { StageMode } from '@/engine/api/messages.ts';
import { sequencesFor } from '@/engine/host/canaries.ts';
import { openLocalPackage } from '@/engine/host/local-package.ts';
import type { FileSet } from '@/formats/byte-source.ts';
import { Backbone } from '@/runtime/backbone.ts';
import type { Backend } from '@/runtime/backend.ts';
import { StreamedBackbone } from '@/runtime/streamed-backbone.ts';

export interface LoadTimes {
  /** Manifest, tokenizer, heads; the hashes too where they are verified. */
  readonly openMs: number;
  /** Making every session once: reading the weights and laying them out, until the device has taken them in. */
  readonly sessionsMs: number;
  readonly weightBytes: number;
  readonly packageBytes: number;
}

export interface LoadFigures extends LoadTimes {
  readonly tokens: number;
  /** The score without making sessions. */
  readonly computeMs: number;
  readonly score: number;
  readonly rewards: readonly number[];
  readonly gateWeights: readonly number[];
}

/** 13 tokens in Llama-3's template. */
const messages = [{ role: 'user' as const, content: 'Hi' }];
const response = 'Hello';

async function openTimed(files: FileSet, backend: Backend, stages: StageMode, verifyHashes: boolean) {
  const startedAt = performance.now();
  const signal = new AbortController().signal;
  const opened = await openLocalPackage(files, { verifyHashes, signal, onProgress: () => undefined });
  const openedAt = performance.now();
  let sessionsMs = 0;
  const timed: Backend = {
    provider: backend.provider,
    lost: backend.lost,
    tensor: (...call) => backend.tensor(...call),
    dispose: () => backend.dispose(),
    async createSession(...call) {
      const from = performance.now();
      const session = await backend.createSession(...call);
      const ms = performance.now() - from;
      sessionsMs += ms;
      // A large model takes minutes: whoever waits sees that it goes on.
      console.log(`${call[0].graph.name} made ready in ${(ms / 1000).toFixed(1)} s`);
      return session;
    },
  };
  const { architecture } = opened.manifest;
  const backbone =
    stages === 'streamed'
      ? new StreamedBackbone(timed, architecture, opened.embedding, opened.stages)
      : await Backbone.create(timed, architecture, opened.embedding, opened.stages);
  const times = (): LoadTimes => ({
    openMs: openedAt - startedAt,
    sessionsMs,
    weightBytes: opened.manifest.stages.flatMap(({ data }) => data).reduce((sum, { bytes }) => sum + bytes, 0),
    packageBytes: opened.loadedBytes,
  });
  return { opened, openedAt, backbone, times };
}

/** Loads all stages and lets them go. */
export async function loadOnly(files: FileSet, backend: Backend, verifyHashes: boolean): Promise<LoadTimes> {
  const { backbone, times } = await openTimed(files, backend, 'resident', verifyHashes);
  await backbone.dispose();
  return times();
}

export async function loadAndScore(
  files: FileSet,
  backend: Backend,
  stages: StageMode,
  verifyHashes: boolean,
): Promise<LoadFigures> {
  const { opened, openedAt, backbone, times } = await openTimed(files, backend, stages, verifyHashes);
  const encoded = opened.tokenizer.encode(messages, response);
  const [scored, gate] = sequencesFor(encoded);
  const [first, second] = await backbone.features(gate === undefined ? [scored] : [scored, gate]);
  const feature = first?.features[0];
  const gateFeature = gate === undefined ? first?.features[1] : second?.features[0];
  if (feature === undefined || gateFeature === undefined) throw new Error('the backbone returned too few rows');
  const { score, rewards, gateWeights } = evaluateHead(opened.head, feature, gateFeature);
  const doneAt = performance.now();
  await backbone.dispose();
  const taken = times();
  return {
    ...taken,
    tokens: encoded.tokenIds.length,
    computeMs: doneAt - openedAt - taken.sessionsMs,
    score,
    rewards: [...rewards],
    gateWeights: [...gateWeights],
  };
}
