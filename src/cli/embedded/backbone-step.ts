/** Base model → Hugging Face folder → package with heads of zeros. Each is made once and kept in the work directory. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { convertCheckpoint } from '@/convert/convert-checkpoint.ts';
import { FormatError } from '@/formats/errors.ts';
import { MANIFEST_FILE } from '@/formats/manifest.ts';
import { createConvertTools } from '../convert-tools.ts';
import { diskFileSet } from '../disk-files.ts';
import { folderPackageSink } from '../node-files.ts';
import { embeddedObjectives } from './embedded-objectives.ts';
import { writeHuggingFaceFolder } from './hf-layout.ts';
import { readNormGains } from './norm-gains.ts';

/** Of the base model's 30: what tells good answers from spoiled ones is best here, and more layers add nothing (its README). */
export const LAYERS = 20;
export const LAYERS_PER_STAGE = 4;

export const BASE_MODEL = {
  name: 'SmolLM2-135M-Instruct',
  url: 'https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct',
} as const;

/** The one GGUF file of the source folder. @throws FormatError when there is none, or more than one. */
export async function findGguf(source: string): Promise<string> {
  const found = (await readdir(source)).filter((name) => name.endsWith('.gguf'));
  const [name] = found;
  if (name === undefined || found.length > 1)
    throw new FormatError('missing-file', source, `one *.gguf file is needed, ${found.length} are there.`);
  return name;
}

export async function sha256OfFile(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

/** The dequantised checkpoint; made when it is not there. */
export async function prepareCheckpoint(source: string, work: string): Promise<string> {
  const folder = join(work, 'hf');
  // The tokenizer's configuration is written last.
  if (!existsSync(join(folder, 'tokenizer_config.json')))
    await writeHuggingFaceFolder(source, await findGguf(source), folder, LAYERS, await readNormGains(LAYERS));
  return folder;
}

/**
 * The package with heads of zeros; made when it is not there.
 * @param dtype `q4`: what ships. `f32`: the same values written out (the source's 4-bit grid is kept exactly), so its features
 * agree to rounding and short texts, whose time the unpacking of 4-bit weights rules, take a fifth less.
 */
export async function prepareBackbone(source: string, work: string, dtype: 'q4' | 'f32' = 'q4'): Promise<string> {
  const folder = join(work, dtype === 'q4' ? 'backbone' : `backbone-${dtype}`);
  if (existsSync(join(folder, MANIFEST_FILE))) return folder;
  const checkpoint = await prepareCheckpoint(source, work);
  const tools = await createConvertTools();
  try {
    await convertCheckpoint(
      diskFileSet(checkpoint),
      folderPackageSink(folder),
      {
        dtype,
        layersPerStage: LAYERS_PER_STAGE,
        name: `${BASE_MODEL.name}, ${LAYERS} layers`,
        licence: 'Apache-2.0',
        source: { ...BASE_MODEL },
        objectives: embeddedObjectives(),
      },
      tools,
    );
  } finally {
    await tools.dispose();
  }
  return folder;
}
