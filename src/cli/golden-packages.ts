/**
 * Converts the golden checkpoints of `fixtures/goldens/` into model packages, in f32. For every suite that runs a whole model.
 * As a command, `tsx src/cli/golden-packages.ts [FOLDER]` writes all three into FOLDER (default `.cache/goldens`).
 */
import { existsSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Dtype } from '@/convert/linear-encoder.ts';
import { convertCheckpoint } from '@/convert/convert-checkpoint.ts';
import { MANIFEST_FILE } from '@/formats/manifest.ts';
import { createConvertTools } from './convert-tools.ts';
import { diskFileSet } from './disk-files.ts';
import { expandGolden, goldenFolder, goldenNames, type GoldenName } from './fixtures/golden-checkpoints.ts';
import { folderPackageSink } from './node-files.ts';

const cacheFolder = fileURLToPath(new URL('../../.cache/goldens', import.meta.url));

/** Writes one golden as a package with two layers a stage, anew. @returns `folder` */
export async function makeGoldenPackage(name: GoldenName, folder: string, dtype: Dtype = 'f32'): Promise<string> {
  const checkpoint = await mkdtemp(join(tmpdir(), 'armoscope-golden-'));
  const tools = await createConvertTools();
  try {
    await rm(folder, { recursive: true, force: true });
    await expandGolden(name, checkpoint);
    await convertCheckpoint(
      diskFileSet(checkpoint),
      folderPackageSink(folder),
      { dtype, layersPerStage: 2, name, source: { name } },
      tools,
      {},
    );
    if (!existsSync(join(folder, MANIFEST_FILE))) throw new Error(`${name} was not converted.`);
    return folder;
  } finally {
    await tools.dispose();
    await rm(checkpoint, { recursive: true, force: true });
  }
}

/**
 * The package of a golden, made once and kept in `.cache/goldens` for as long as neither the golden nor the code that converts
 * it changes. Safe to call from several processes at once.
 */
export async function goldenPackage(name: GoldenName, dtype: Dtype = 'f32'): Promise<string> {
  const key = await cacheKey(name);
  const folder = join(cacheFolder, `${name}-${dtype}-${key}`);
  if (existsSync(join(folder, MANIFEST_FILE))) return folder;
  await mkdir(cacheFolder, { recursive: true });
  const made = await makeGoldenPackage(name, await mkdtemp(join(cacheFolder, 'making-')), dtype);
  await rename(made, folder).catch(async (error: unknown) => {
    // Another process was faster; its package is the same.
    await rm(made, { recursive: true, force: true });
    if (!existsSync(join(folder, MANIFEST_FILE))) throw error;
  });
  await removeStale(`${name}-${dtype}-`, folder);
  return folder;
}

/** A package of an hour ago under another key is of code that has changed since; a younger one may be in use. */
const staleAfterMs = 3_600_000;

async function removeStale(prefix: string, kept: string): Promise<void> {
  for (const entry of await readdir(cacheFolder)) {
    const path = join(cacheFolder, entry);
    if (!entry.startsWith(prefix) || path === kept) continue;
    const age = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now());
    if (age > staleAfterMs) await rm(path, { recursive: true, force: true });
  }
}

/** Hash of the golden's files and of every source that decides what the converter makes of them. */
async function cacheKey(name: GoldenName): Promise<string> {
  const source = fileURLToPath(new URL('..', import.meta.url));
  const hash = createHash('sha256');
  for (const root of [
    goldenFolder(name),
    ...['base', 'convert', 'core', 'formats', 'runtime'].map((layer) => join(source, layer)),
  ]) {
    const files = await readdir(root, { recursive: true, withFileTypes: true });
    const paths = files
      .filter((file) => file.isFile() && !/\.test\.tsx?$/.test(file.name))
      .map((file) => join(file.parentPath, file.name));
    for (const path of paths.sort()) hash.update(path.slice(root.length)).update(await readFile(path));
  }
  return hash.digest('hex').slice(0, 12);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const out = process.argv[2] ?? cacheFolder;
  for (const name of goldenNames) console.log(await makeGoldenPackage(name, join(out, name)));
}
