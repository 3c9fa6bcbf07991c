/** A correction put in force in every view, as a head variant; and transforms that come from files. */
import type { HeadReplacement } from '@/core/head-replacement.ts';
import { identitySteering, isIdentitySteering, type Steering } from '@/core/steering.ts';
import { activateVariant, headVariant, saveHeadVariant, useHeadVariants, variantsOf } from '@/state/head-variants.ts';
import type { ActiveHead } from './active-head.ts';

/** Follows the note of a correction that was put under a head steered by hand. */
const STEERING_STAYS = 'What was steered by hand before stays, but for its penalties.';

/**
 * Puts M in force over the parts of the head in use. What was steered by hand stays, and the note says so; its penalties do not, as
 * they would replace the correction. The same transform under the same name is not kept twice.
 */
export async function applyTransform(
  { owner, variant }: ActiveHead,
  transform: Float64Array,
  name: string,
  note: string,
): Promise<void> {
  const { manifest } = owner;
  const before = variant === undefined ? undefined : headVariant(variant.id);
  const base: HeadReplacement = before?.replacement ?? {};
  const steering = stayingSteering(before?.steering);
  const words = steering === undefined ? note : `${note} ${STEERING_STAYS}`;
  const kept = variantsOf(useHeadVariants.getState(), manifest.id).find(({ id }) => {
    const known = headVariant(id);
    return (
      known?.kind === 'transform' &&
      known.note === words &&
      JSON.stringify(known.steering) === JSON.stringify(steering) &&
      known.replacement.gate === base.gate &&
      known.replacement.regression === base.regression &&
      sameBits(known.replacement.transform, transform)
    );
  });
  const { id } =
    kept ??
    (await saveHeadVariant({
      modelId: manifest.id,
      name,
      kind: 'transform',
      note: words,
      objectives: manifest.objectives.length,
      featureSize: manifest.architecture.hiddenSize,
      replacement: { ...base, transform: transform.slice() },
      ...(steering === undefined ? {} : { steering }),
    }));
  activateVariant(manifest.id, id);
}

function stayingSteering(steering: Steering | undefined): Steering | undefined {
  const staying = steering === undefined ? undefined : { ...steering, penalties: identitySteering.penalties };
  return staying === undefined || isIdentitySteering(staying) ? undefined : staying;
}

/** Reads a transform file and puts it in force. @throws Error in words, where it does not fit the model. */
export async function importTransform(file: File, active: ActiveHead): Promise<void> {
  const [{ blobSource }, { readTransformFile }] = await Promise.all([
    import('@/formats/blob-source.ts'),
    import('@/formats/transform-file.ts'),
  ]);
  const { transform, size, objectives } = await readTransformFile(blobSource(file.name, file));
  const names = active.owner.manifest.objectives.map(({ name }) => name);
  if (size !== names.length)
    throw new Error(`${file.name}: its transform is for ${size} objectives, and the model in use has ${names.length}.`);
  const odd = objectives?.findIndex((name, index) => name !== names[index]) ?? -1;
  if (odd >= 0)
    throw new Error(
      `${file.name}: its objective ${odd + 1} is ${objectives?.[odd] ?? ''}, which the model in use calls ${names[odd] ?? ''}.`,
    );
  await applyTransform(active, transform, file.name.replace(/\.[a-z]+$/i, ''), `Transform of the file ${file.name}.`);
}

/** M as a file. */
export async function transformFile(
  { owner }: ActiveHead,
  transform: Float64Array,
  format: 'safetensors' | 'json',
): Promise<Blob> {
  const { transformAsJson, transformAsSafetensors } = await import('@/formats/transform-file.ts');
  const names = owner.manifest.objectives.map(({ name }) => name);
  return format === 'json'
    ? new Blob([transformAsJson(names, transform)], { type: 'application/json' })
    : new Blob([transformAsSafetensors(names, Float64Array.from(transform))], { type: 'application/octet-stream' });
}

function sameBits(a: Float64Array | undefined, b: Float64Array): boolean {
  return a !== undefined && a.length === b.length && a.every((value, index) => Object.is(value, b[index]));
}
