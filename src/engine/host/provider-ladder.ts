/** Tries providers until one reproduces the package's canaries on this very device. */
import { EngineError } from '@/engine/api/errors.ts';
import type { Provider, ProviderProof } from '@/engine/api/messages.ts';
import type { CallOptions } from '@/engine/api/reward-engine.ts';
import { Backbone } from '@/runtime/backbone.ts';
import type { Backend, BackendFactory } from '@/runtime/backend.ts';
import { canaryTolerance, worstCanaryError } from './canaries.ts';
import type { EncodedCanary } from './canaries.ts';
import { DeviceLoss } from './device-loss.ts';
import { toEngineError } from './engine-errors.ts';
import type { LocalPackage } from './local-package.ts';

/** A backbone whose canaries passed, on the backend they passed on. */
export interface Proven {
  readonly backend: Backend;
  readonly backbone: Backbone;
  readonly loss: DeviceLoss;
  readonly worstError: number;
}

/** What is to be proven, where, and who is told. */
export interface Proving {
  readonly factory: BackendFactory;
  /** Tokens per run of the backbone; `undefined`: its default. */
  readonly chunkTokens: (provider: Provider) => number | undefined;
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
    const { proof, proven } = await tryProvider(proving, provider);
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

async function tryProvider(
  { factory, chunkTokens, opened, canaries, askedFor, signal, onProgress }: Proving,
  provider: Provider,
): Promise<{ proof: ProviderProof; proven?: Proven }> {
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
  let backbone: Backbone | undefined;
  const loss = new DeviceLoss(backend);
  try {
    const { manifest, embedding, stages, head } = opened;
    const chunk = chunkTokens(provider);
    const creating = Backbone.create(backend, manifest.architecture, embedding, stages, {
      signal,
      ...(chunk === undefined ? {} : { chunkTokens: chunk }),
      onSession: (done, total) => onProgress({ stage: 'compile', done, total, provider }),
    });
    backbone = await loss.guard(creating);
    const proving = worstCanaryError(backbone, head, canaries, {
      signal,
      onCanary: (done, total) => onProgress({ stage: 'warmup', done, total, provider }),
    });
    const worstError = await loss.guard(proving);
    if (worstError <= tolerance) {
      return { proof: { ...about, outcome: 'passed', worstError }, proven: { backend, backbone, loss, worstError } };
    }
    await releaseProven({ backend, backbone });
    const reason = `its outputs differ from the reference by ${worstError.toPrecision(3)}, more than ${tolerance.toPrecision(3)}.`;
    return { proof: { ...about, outcome: 'failed', worstError, reason } };
  } catch (error) {
    await releaseProven({ backend, backbone });
    signal.throwIfAborted();
    return { proof: { ...about, outcome: 'error', reason: toEngineError(error).message } };
  }
}

export async function releaseProven({
  backend,
  backbone,
}: {
  backend: Backend;
  backbone: Backbone | undefined;
}): Promise<void> {
  // A lost device may refuse to release; the memory is gone with it.
  await backbone?.dispose().catch(() => undefined);
  await backend.dispose().catch(() => undefined);
}
