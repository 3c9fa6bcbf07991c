/** Whether all stages of a model stay on the device or go through it one at a time, and why, in words. Pure. */
import type { MemoryPlan } from '@/engine/api/messages.ts';
import type { MemoryNeed } from '@/formats/memory-need.ts';
import type { DeviceLimits } from '@/runtime/backend.ts';

/** What a platform knows of the memory that a provider computes in. */
export interface MemoryOffer {
  readonly bytes: number;
  /** Browsers do not tell more than some gigabytes: then this much or more. */
  readonly orMore: boolean;
}

/** A 32-bit WebAssembly memory. */
export const wasmHeapBytes = 2 ** 32;

/** Share of the memory that a model may take: the rest is for the page, the browser and everything else that runs. */
const usableShare = 0.75;

export interface PlanInput {
  readonly need: MemoryNeed;
  readonly offer: MemoryOffer | undefined;
  readonly stages: number;
  /** The person's own choice. */
  readonly wish: MemoryPlan['mode'] | undefined;
  /** It was tried with all stages and memory ran out. */
  readonly ranOut: boolean;
}

export function planMemory({ need, offer, stages, wish, ranOut }: PlanInput): MemoryPlan {
  const { allStagesBytes, largestStageBytes, textBytes, tokens } = need;
  const bytes = { residentBytes: allStagesBytes + textBytes, streamedBytes: largestStageBytes + textBytes };
  const full = `${gigabytes(bytes.residentBytes)} with a text of ${tokens} tokens`;
  if (wish === 'streamed') return { ...bytes, mode: 'streamed', reason: 'You chose to load stage by stage.' };
  if (wish === 'resident') return { ...bytes, mode: 'resident', reason: 'You chose to keep all stages loaded.' };
  if (stages > 1 && ranOut)
    return {
      ...bytes,
      mode: 'streamed',
      reason: `The device ran out of memory with all ${stages} stages loaded (about ${full}).`,
    };
  if (stages > 1 && offer !== undefined && !offer.orMore && bytes.residentBytes > usableShare * offer.bytes)
    return {
      ...bytes,
      mode: 'streamed',
      reason: `All ${stages} stages take about ${full}; of the ${gigabytes(offer.bytes)} here a model may take ${gigabytes(usableShare * offer.bytes)}.`,
    };
  return {
    ...bytes,
    mode: 'resident',
    reason:
      offer === undefined || offer.orMore
        ? `All stages take about ${full}. The browser does not say how much there is.`
        : `All stages take about ${full}, of ${gigabytes(offer.bytes)} here.`,
  };
}

/** Why a device cannot hold the model's largest tensor in one buffer, in words; `undefined` where it can. */
export function limitProblem({ largestTensorBytes }: MemoryNeed, limits: DeviceLimits | undefined): string | undefined {
  if (limits === undefined) return undefined;
  const { maxStorageBufferBindingSize, maxBufferSize } = limits;
  const least = Math.min(maxStorageBufferBindingSize, maxBufferSize);
  if (largestTensorBytes <= least) return undefined;
  const name = maxStorageBufferBindingSize <= maxBufferSize ? 'maxStorageBufferBindingSize' : 'maxBufferSize';
  return (
    `The model's largest matrix takes ${gigabytes(largestTensorBytes)} in one piece, and the graphics adapter allows ` +
    `${gigabytes(least)} (${name}). Convert the model to q4, whose pieces are the smallest.`
  );
}

function gigabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(0)} MB`;
}
