/**
 * Where an interrupted conversion stood, beside what it has written: one file in the package's folder until the package is whole. Its
 * name says of what and with which options, and every file it refers to is read again before it is believed.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConversionState } from '@/convert/conversion.ts';
import { decodeConversionState, encodeConversionState, filesOfState } from '@/convert/conversion-state.ts';
import type { FileEntry } from '@/formats/manifest.ts';
import { diskSource } from './disk-files.ts';
import { storing } from './node-files.ts';

const PREFIX = '.conversion-';
/** Read at a time while a file is verified. */
const SLAB_BYTES = 16 * 1024 * 1024;

export interface DiskConversionState {
  /** `undefined` where there is none, or a file it refers to is not as it was written. */
  read(signal: AbortSignal): Promise<ConversionState | undefined>;
  /** Takes the place of the one before, whole or not at all; any other conversion's here is forgotten. */
  write(state: ConversionState): Promise<void>;
  remove(): Promise<void>;
}

/** @param identity of the checkpoint and the options. */
export function diskConversionState(folder: string, identity: string): DiskConversionState {
  const name = `${PREFIX}${createHash('sha256').update(identity).digest('hex').slice(0, 16)}`;
  const path = join(folder, name);
  const removeAll = async (keep?: string): Promise<void> => {
    const files = await readdir(folder).catch(() => []);
    for (const file of files)
      if (file.startsWith(PREFIX) && file !== keep) await rm(join(folder, file), { force: true });
  };
  return {
    async read(signal) {
      const bytes = await readFile(path).catch(() => undefined);
      const state = bytes === undefined ? undefined : await decodeConversionState(new Uint8Array(bytes));
      if (state === undefined) return undefined;
      for (const entry of filesOfState(state)) if (!(await isAsWritten(folder, entry, signal))) return undefined;
      return state;
    },
    async write(state) {
      await storing(path, async () => {
        await writeFile(`${path}.part`, encodeConversionState(state));
        await rename(`${path}.part`, path);
      });
      await removeAll(name);
    },
    remove: () => removeAll(),
  };
}

async function isAsWritten(folder: string, { file, bytes, sha256 }: FileEntry, signal: AbortSignal): Promise<boolean> {
  const source = await diskSource(join(folder, file));
  if (source?.size !== bytes) return false;
  const hash = createHash('sha256');
  for (let at = 0; at < bytes; at += SLAB_BYTES)
    hash.update(await source.read(at, Math.min(SLAB_BYTES, bytes - at), signal));
  return hash.digest('hex') === sha256;
}
