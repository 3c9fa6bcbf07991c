/** Where a conversion stands, as bytes: so that one that was interrupted goes on after its last whole stage. */
import * as v from 'valibot';
import { type FileEntry, fileEntrySchema, stageSchema } from '@/formats/manifest.ts';
import { memorySource } from '@/formats/memory-source.ts';
import { readSafetensorsHeader, readTensorAsFloat32 } from '@/formats/safetensors.ts';
import { writeSafetensors } from '@/formats/safetensors-writer.ts';
import type { ConversionState } from './conversion.ts';

/** Raised whenever the same checkpoint gives other bytes than before: what was interrupted under an older one is begun anew. */
export const CONVERSION_VERSION = 2;

const aboutSchema = v.strictObject({
  embedding: fileEntrySchema,
  stages: v.array(stageSchema),
  reports: v.array(
    v.strictObject({ tensor: v.string(), form: v.string(), relativeError: v.number(), largestError: v.number() }),
  ),
  storedOtherwise: v.array(v.string()),
  doneBytes: v.pipe(v.number(), v.integer(), v.minValue(0)),
});

/** A safetensors file: the residual stream, and the rest in its metadata. */
export function encodeConversionState({ hidden, ...about }: ConversionState): Uint8Array<ArrayBuffer> {
  return writeSafetensors([{ name: 'hidden', dtype: 'F32', shape: [hidden.length], data: hidden }], {
    state: JSON.stringify(about),
  });
}

/** `undefined` where it cannot be read, whatever it is: the conversion then begins anew. */
export async function decodeConversionState(bytes: Uint8Array<ArrayBuffer>): Promise<ConversionState | undefined> {
  try {
    const source = memorySource('conversion state', bytes);
    const header = await readSafetensorsHeader(source);
    const about = v.safeParse(aboutSchema, JSON.parse(header.metadata.get('state') ?? ''));
    return about.success ? { ...about.output, hidden: await readTensorAsFloat32(source, header, 'hidden') } : undefined;
  } catch {
    return undefined;
  }
}

/** The files that a state refers to: they must be there as they were written. */
export function filesOfState({ embedding, stages }: ConversionState): FileEntry[] {
  return [embedding, ...stages.flatMap(({ graph, data }) => [graph, ...data])];
}
