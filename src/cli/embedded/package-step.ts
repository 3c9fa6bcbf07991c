/** Trained heads → the package folder with its licence, notice and report. */
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceHeads } from '@/convert/replace-heads.ts';
import type { Manifest } from '@/formats/manifest.ts';
import { createConvertTools } from '../convert-tools.ts';
import { diskFileSet } from '../disk-files.ts';
import { folderPackageSink } from '../node-files.ts';
import { BASE_MODEL, LAYERS } from './backbone-step.ts';
import { embeddedObjectives } from './embedded-objectives.ts';
import type { TrainedHeads } from './heads-step.ts';
import { DATA_SOURCES } from './sources.ts';

const NOTICE_SUMMARY =
  `Weights derived from ${BASE_MODEL.name} by HuggingFaceTB (${BASE_MODEL.url}), Apache-2.0: its first ${LAYERS} layers, ` +
  'converted to ONNX with the 4-bit values of the GGUF by QuantFactory. Gains of the norms and heads trained by this project on openly licensed data; ' +
  'the sources are named in the file NOTICE beside the package.';

/** The NOTICE file: base model and data with their licences. */
export function noticeText(usedSources: ReadonlySet<string>): string {
  const lines = DATA_SOURCES.filter(({ source }) => usedSources.has(source)).map(
    ({ origin, licence, content }) => `- ${origin} (${licence}): ${content}`,
  );
  return [
    'Armoscope embedded reward model',
    '',
    `This package contains weights derived from ${BASE_MODEL.name}, Copyright HuggingFaceTB, licensed under the Apache License,`,
    `Version 2.0 (file LICENSE). Source: ${BASE_MODEL.url}`,
    `The 4-bit values are those of the GGUF conversion by QuantFactory. Changes: only the first ${LAYERS} layers are kept, the`,
    'gains of their norms were trained further, the weights are stored as ONNX, and a chat template, reward heads and a gating',
    'network are added.',
    '',
    'The gains and the heads were trained on responses, ratings and preferences from these sources. No text of them is contained here.',
    ...lines,
    '',
    'Some of these data hold text written or rated by models of OpenAI, Anthropic, Google and Meta.',
    '',
  ].join('\n');
}

/**
 * Writes the package: the backbone's files with the trained heads, canaries proven anew, LICENSE and NOTICE.
 * @param source the base model's folder, for its LICENSE. @param backbone, checkpoint of `prepareBackbone`, `prepareCheckpoint`.
 */
export async function writePackage(
  source: string,
  checkpoint: string,
  backbone: string,
  out: string,
  trained: TrainedHeads,
  usedSources: ReadonlySet<string>,
  scoreNoise: NonNullable<Manifest['scoreNoise']>,
): Promise<Manifest> {
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  for (const name of await readdir(backbone)) await cp(join(backbone, name), join(out, name));
  const tools = await createConvertTools();
  try {
    const manifest = await replaceHeads(
      folderPackageSink(out),
      diskFileSet(checkpoint),
      trained.head,
      {
        name: 'Armoscope embedded',
        description:
          `A small 19-objective reward model for looking inside, not for ranking: ${BASE_MODEL.name}, first ${LAYERS} layers with tuned norms, ` +
          'ridge heads, verbosity correction and a gate trained by this project. Its report says how well each part works.',
        licence: 'Apache-2.0',
        notice: NOTICE_SUMMARY,
        source: { ...BASE_MODEL },
        objectives: embeddedObjectives(),
        referenceMeans: [...trained.referenceMeans],
        bradleyTerryBeta: trained.gate.beta,
        scoreNoise,
      },
      tools,
    );
    await writeFile(join(out, 'LICENSE'), await readFile(join(source, 'LICENSE')));
    await writeFile(join(out, 'NOTICE'), noticeText(usedSources));
    return manifest;
  } finally {
    await tools.dispose();
  }
}
