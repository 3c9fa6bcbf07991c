/**
 * New heads for a package that exists: rewrites `heads.safetensors` and `armoscope.json`, leaves stages, embedding and
 * tokenizer alone. The canaries are computed anew: their outputs are the heads'.
 */
import type { RewardHead } from '@/core/reward-head.ts';
import type { FileSet } from '@/formats/byte-source.ts';
import { openCheckpointTensors } from '@/formats/checkpoint-tensors.ts';
import { FormatError } from '@/formats/errors.ts';
import { readJsonFile } from '@/formats/json-file.ts';
import type { FileEntry, Manifest } from '@/formats/manifest.ts';
import { openEntry, openPackage } from '@/formats/model-package.ts';
import { type HeadFields, HEADS_FILE, manifestWithHeads, writeRewardHead } from '@/formats/package-heads.ts';
import type { ConvertCall, ConvertTools } from './conversion.ts';
import { canariesOf, headOutputsOf, type PreparedText, sequencesOf } from './head-outputs.ts';
import { writeManifest } from './manifest-writer.ts';
import { type PackageSink, writePackageFile } from './package-sink.ts';
import { runPackage } from './package-pass.ts';
import { runReference } from './reference-pass.ts';

/** Generous for a tokenizer. */
const MAX_TOKENIZER_BYTES = 200_000_000;

/**
 * @param sink the package's own folder: `sink.files` is read, heads and manifest are written.
 * @param checkpoint the unquantised weights that the package was made from, for the canaries' reference outputs.
 * @throws FormatError naming the file, tensor or key.
 */
export async function replaceHeads(
  sink: PackageSink,
  checkpoint: FileSet,
  head: RewardHead,
  fields: HeadFields,
  tools: ConvertTools,
  call: ConvertCall = {},
): Promise<Manifest> {
  const { signal } = call;
  const { manifest } = await openPackage(sink.files, signal);
  const { architecture } = manifest;
  if (head.featureSize !== architecture.hiddenSize)
    throw new FormatError(
      'mismatch',
      'heads',
      `they take features of ${head.featureSize} numbers, the backbone makes ${architecture.hiddenSize}.`,
    );
  const objectives = fields.objectives ?? manifest.objectives;
  if (objectives.length !== head.objectives)
    throw new FormatError(
      'mismatch',
      'objectives',
      `${objectives.length} are named, but the heads have ${head.objectives}.`,
    );
  const json = async (entry: FileEntry): Promise<unknown> =>
    readJsonFile(await openEntry(sink.files, entry, signal), MAX_TOKENIZER_BYTES, signal);
  const encoder = tools.chatEncoder(manifest, await json(manifest.tokenizer), await json(manifest.tokenizerConfig));
  const texts = manifest.canaries.map(({ messages }): PreparedText => {
    const response = messages.at(-1)?.content ?? '';
    const asked = messages.slice(0, -1);
    return { kind: 'canary', text: { messages: asked, response }, encoded: encoder.encode(asked, response) };
  });
  const sequences = sequencesOf(texts);
  const tensors = await openCheckpointTensors(checkpoint, signal);
  const reference = await runReference(tensors, architecture, sequences, tools, call);
  const own = await runPackage(
    sink.files,
    architecture,
    manifest.embedding,
    manifest.stages,
    sequences,
    tools.stageRunner,
    call,
  );
  const heads = await writePackageFile(sink, HEADS_FILE, writeRewardHead(head));
  const canaries = canariesOf(texts, headOutputsOf(texts, reference, head), headOutputsOf(texts, own, head));
  return writeManifest(sink, manifestWithHeads(manifest, head, fields, heads, canaries));
}
