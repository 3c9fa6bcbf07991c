/**
 * Where slabs of weights are rounded: on this thread, or on others beside it. The bytes are the same either way, as every slab is
 * rounded by the same function and its results are taken in the order of the slabs.
 */
import { type AffineBlocks, quantiseAffine4, quantiseSymmetric8, type SymmetricBlocks } from './block-quantisation.ts';

/** What a slab becomes, by name. */
export interface SlabForms {
  readonly affine4: AffineBlocks;
  readonly symmetric8: SymmetricBlocks;
}
export type SlabForm = keyof SlabForms;

export interface SlabRounder {
  /** Slabs worth having on their way at a time, ≥ 1: each is a copy in memory. */
  readonly atOnce: number;
  /** @param values f32 [n · blockSize], finite and within f16's range; not changed, and free again when this returns. */
  round<F extends SlabForm>(form: F, values: Float32Array<ArrayBuffer>, blockSize: number): Promise<SlabForms[F]>;
}

const FORMS: { readonly [F in SlabForm]: (values: Float32Array, blockSize: number) => SlabForms[F] } = {
  affine4: quantiseAffine4,
  symmetric8: quantiseSymmetric8,
};

/** On this thread, one after another. */
export const roundHere: SlabRounder = {
  atOnce: 1,
  round: async (form, values, blockSize) => FORMS[form](values, blockSize),
};

/** What a thread is asked. Its values are the thread's own. */
export interface RoundingRequest {
  readonly id: number;
  readonly form: SlabForm;
  readonly values: Float32Array<ArrayBuffer>;
  readonly blockSize: number;
}

/** What it answers. */
export interface RoundingReply {
  readonly id: number;
  /** Under the form that was asked for. */
  readonly blocks: Partial<SlabForms>;
}

/** A thread's whole work: the answer, and the memory of it that goes to the asker. */
export function answerRounding({ id, form, values, blockSize }: RoundingRequest): {
  readonly reply: RoundingReply;
  readonly transfer: ArrayBuffer[];
} {
  const blocks = FORMS[form](values, blockSize);
  const transfer = [blocks.quants.buffer, blocks.scales.buffer];
  if ('minima' in blocks) transfer.push(blocks.minima.buffer);
  return { reply: { id, blocks: { [form]: blocks } }, transfer };
}

/**
 * Rounds slabs, several at a time, and gives their results in order.
 * @throws whatever the first slab that fails throws.
 */
export async function roundSlabs<F extends SlabForm>(
  rounder: SlabRounder,
  form: F,
  slabs: Iterable<Float32Array<ArrayBuffer>>,
  blockSize: number,
): Promise<SlabForms[F][]> {
  const done: SlabForms[F][] = [];
  const running: Promise<SlabForms[F]>[] = [];
  for (const slab of slabs) {
    const result = rounder.round(form, slab, blockSize);
    // Waited for below, unless one before it fails.
    result.catch(() => undefined);
    running.push(result);
    const first = running.length < rounder.atOnce ? undefined : running.shift();
    if (first !== undefined) done.push(await first);
  }
  for (const result of running) done.push(await result);
  return done;
}
