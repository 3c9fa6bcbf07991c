/** Tries providers until one reproduces the package's canaries on this very device. */
import { EngineError } from '@/engine/api/errors.ts';
import type { MemoryPlan, Provider, ProviderProof, StageMode } from '@/engine/api/messages.ts';
import type { CallOptions } from '@/engine/api/reward-engine.ts';
import { memoryNeed } from '@/formats/memory-need.ts';
import { Backbone } from '@/runtime/backbone.ts';
import type { BackboneOptions, FeatureComputer } from '@/runtime/backbone.ts';
import type { Backend, BackendFactory } from '@/runtime/backend.ts';
import { StreamedBackbone } from '@/runtime/streamed-backbone.ts';
import { canaryTolerance, worstCanaryError } from './canaries.ts';
import type { EncodedCanary } from './canaries.ts';
import { DeviceLoss } from './device-loss.ts';
import { toEngineError } from './engine-errors.ts';
import type { LocalPackage } from './local-package.ts';
import { limitProblem, planMemory, type MemoryOffer } from './memory-plan.ts';

/** A backbone whose canaries passed, on the backend they passed on. */
export interface Proven {
  readonly backend: Backend;
  readonly backbone: FeatureComputer;
  readonly memory: MemoryPlan;
  readonly loss: DeviceLoss;
  readonly worstError: number;
}

/** What is to be proven, where, and who is told. */
export interface Proving {
  readonly factory: BackendFactory;
  /** Tokens per run of the backbone; `undefined`: its default. */
  readonly chunkTokens: (provider: Provider) => number | undefined;
  /** `undefined`: the platform knows nothing of it. */
  readonly memory: (provider: Provider) => MemoryOffer | undefined;
  /** The person's own choice. */
  readonly stages: StageMode | undefined;
  readonly opened: LocalPackage;
  readonly canaries: readonly EncodedCanary[];
  /** The person named the provider: then a software adapter will do. */
  readonly askedFor: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: NonNullable<CallOptions['onProgress']>;
}

/**
 * Tries the providers in order until one reproduces the canaries.
 * @throws EngineError `unproven` when none does; the signal's reason.
 */
export async function proveFirst(
  proving: Proving,
  order: readonly Provider[],
): Promise<{ proven: Proven; proofs: readonly ProviderProof[] }> {
  const proofs: ProviderProof[] = [];
  for (const provider of order) {
    proving.signal.throwIfAborted();
    let tried = await tryProvider(proving, provider, false);
    // All stages were too much: once more, one at a time.
    if (tried.ranOut === true) tried = await tryProvider(proving, provider, true);
    const { proof, proven } = tried;
    proofs.push(proof);
    if (proven !== undefined) return { proven, proofs };
  }
  const told = proofs.map(
    ({ provider, outcome, reason }) => `${provider} ${outcome}${reason === undefined ? '' : `: ${reason}`}`,
  );
  throw new EngineError({
    code: 'unproven',
    message: `No provider on this device reproduces the model's reference outputs, so nothing is scored. ${told.join(' ')}`,
    detail: JSON.stringify(proofs),
  });
}

interface Tried {
  readonly proof: ProviderProof;
  readonly proven?: Proven;
  /** Memory ran out with all stages loaded, and the person did not ask for that. */
  readonly ranOut?: boolean;
}

async function tryProvider(proving: Proving, provider: Provider, ranOut: boolean): Promise<Tried> {
  const { factory, opened, canaries, askedFor, signal, onProgress } = proving;
  const tolerance = canaryTolerance(canaries);
  const made = await factory.create(provider);
  if ('unavailable' in made) {
    const { unavailable: reason, adapter } = made;
    return {
      proof: { provider, outcome: 'skipped', tolerance, reason, ...(adapter === undefined ? {} : { adapter }) },
    };
  }
  const { backend } = made;
  const about = { provider, tolerance, ...(backend.adapter === undefined ? {} : { adapter: backend.adapter }) };
  if (backend.software === true && !askedFor) {
    await backend.dispose();
    const reason = 'A software adapter is slower than wasm; it is used only when it is chosen by name.';
    return { proof: { ...about, outcome: 'skipped', reason } };
  }
  const need = memoryNeed(opened.manifest);
  const problem = limitProblem(need, backend.limits);
  if (problem !== undefined) {
    await backend.dispose();
    return { proof: { ...about, outcome: 'skipped', reason: problem } };
  }
  const stages = opened.stages.length;
  const offer = proving.memory(provider);
  const memory = planMemory({ need, offer, stages, wish: proving.stages, ranOut });
  if (memory.mode === 'streamed') onProgress({ stage: 'streaming', plan: memory, stages, provider });
  let backbone: FeatureComputer | undefined;
  const loss = new DeviceLoss(backend);
  try {
    backbone = await loss.guard(makeBackbone(proving, backend, provider, memory.mode));
    const checking = worstCanaryError(backbone, opened.head, canaries, {
      signal,
      onSession: (done, total) => onProgress({ stage: 'compile', done, total, provider }),
      onCanary: (done, total) => onProgress({ stage: 'warmup', done, total, provider }),
    });
    const worstError = await loss.guard(checking);
    if (worstError <= tolerance) {
      return {
        proof: { ...about, outcome: 'passed', worstError },
        proven: { backend, backbone, loss, memory, worstError },
      };
    }
    await releaseProven({ backend, backbone });
    const reason = `its outputs differ from the reference by ${worstError.toPrecision(3)}, more than ${tolerance.toPrecision(3)}.`;
    return { proof: { ...about, outcome: 'failed', worstError, reason } };
  } catch (error) {
    await releaseProven({ backend, backbone });
    signal.throwIfAborted();
    const { code, message } = toEngineError(error);
    return {
      proof: { ...about, outcome: 'error', reason: message },
      ranOut: code === 'out-of-memory' && memory.mode === 'resident' && proving.stages === undefined && stages > 1,
    };
  }
}

/** Streamed, nothing is loaded yet: the first canary does it. */
async function makeBackbone(
  { chunkTokens, opened, signal, onProgress }: Proving,
  backend: Backend,
  provider: Provider,
  mode: StageMode,
): Promise<FeatureComputer> {
  const { manifest, embedding, stages } = opened;
  const chunk = chunkTokens(provider);
  const options: BackboneOptions = {
    signal,
    ...(chunk === undefined ? {} : { chunkTokens: chunk }),
    onSession: (done, total) => onProgress({ stage: 'compile', done, total, provider }),
  };
  return mode === 'streamed'
    ? new StreamedBackbone(backend, manifest.architecture, embedding, stages, options)
    : Backbone.create(backend, manifest.architecture, embedding, stages, options);
}

export async function releaseProven({
  backend,
  backbone,
}: {
  backend: Backend;
  backbone: FeatureComputer | undefined;
}): Promise<void> {
  // A lost device may refuse to release; the memory is gone with it.
  await backbone?.dispose().catch(() => undefined);
  await backend.dispose().catch(() => undefined);
}
