/**
 * Converts the golden checkpoints of `fixtures/goldens/` into model packages, in f32. For every suite that runs a whole model.
 * As a command, `tsx src/cli/golden-packages.ts [FOLDER]` writes all three into FOLDER (default `.cache/goldens`).
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { convertCheckpoint } from '@/convert/convert-checkpoint.ts';
import { MANIFEST_FILE } from '@/formats/manifest.ts';
import { createConvertTools } from './convert-tools.ts';
import { diskFileSet } from './disk-files.ts';
import { expandGolden, goldenNames, type GoldenName } from './fixtures/golden-checkpoints.ts';
import { folderPackageSink, scratchSink } from './node-files.ts';

/** Writes one golden as a package with two stages, anew. @returns `folder` */
export async function makeGoldenPackage(name: GoldenName, folder: string): Promise<string> {
  const checkpoint = await mkdtemp(join(tmpdir(), 'armoscope-golden-'));
  const scratch = await scratchSink();
  const tools = await createConvertTools(scratch.sink);
  try {
    await rm(folder, { recursive: true, force: true });
    await expandGolden(name, checkpoint);
    await convertCheckpoint(
      diskFileSet(checkpoint),
      folderPackageSink(folder),
      { dtype: 'f32', layersPerStage: 2, name, source: { name } },
      tools,
      {},
    );
    if (!existsSync(join(folder, MANIFEST_FILE))) throw new Error(`${name} was not converted.`);
    return folder;
  } finally {
    await tools.dispose();
    await scratch.remove();
    await rm(checkpoint, { recursive: true, force: true });
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const out = process.argv[2] ?? fileURLToPath(new URL('../../.cache/goldens', import.meta.url));
  for (const name of goldenNames) console.log(await makeGoldenPackage(name, join(out, name)));
}
