/** Conversion in a browser's worker: chosen files, an address or a hub, ONNX Runtime's wasm, packages in the origin's private file system. */
import { blobFileSet, blobSource } from '@/formats/blob-source.ts';
import { FormatError } from '@/formats/errors.ts';
import { hubFileSet, parseHubId, urlFileSet, urlName } from '@/formats/hub-source.ts';
import type { CheckpointSource, ConversionRequest } from '@/jobs/api/packages.ts';
import { webSurroundings } from '@/jobs/host/packages/web-package-tasks.ts';
import { webBackendFactory } from '@/runtime/web-factory.ts';
import { clearHubChunks, opfsChunkStore } from './hub-chunks.ts';
import { convertTask } from './convert-task.ts';
import { openConvertTools } from './convert-tools.ts';
import { openGgufSource, type OpenedCheckpoint, withAdapter, withHeads } from './opened-checkpoint.ts';
import { webRounder } from './web-rounder.ts';

export async function convertInPage(
  request: ConversionRequest,
  createRoundingWorker: () => Worker,
  signal: AbortSignal,
): Promise<{ readonly key: string }> {
  const { source, dtype } = request;
  const opened = await openAll(request, signal);
  // On the processor: what the package is proven against must not depend on a graphics card.
  const openTools = () =>
    openConvertTools(webBackendFactory().create('wasm'), 'ONNX Runtime', () => webRounder(createRoundingWorker));
  const done = await convertTask(webSurroundings(), opened, dtype, openTools, signal);
  // The package is whole: what it was made of is not needed again.
  if (source.kind === 'hub' || source.kind === 'url') await clearHubChunks();
  return done;
}

/** Checkpoint, heads and adapter, wherever they are. */
async function openAll({ source, heads, adapter }: ConversionRequest, signal: AbortSignal): Promise<OpenedCheckpoint> {
  let opened = await openCheckpoint(source, signal);
  if (heads !== undefined) opened = await withHeads(opened, blobSource(heads.path, heads.blob), signal);
  if (adapter === undefined) return opened;
  return withAdapter(opened, blobFileSet(adapter.name, adapter.files), adapter.name, signal);
}

async function openCheckpoint(source: CheckpointSource, signal: AbortSignal): Promise<OpenedCheckpoint> {
  if (source.kind === 'files') {
    const { name, files } = source;
    return { files: blobFileSet(name, files), name, source: { name } };
  }
  if (source.kind === 'gguf') {
    const { file, tokenizer } = source;
    return openGgufSource(blobSource(file.path, file.blob), blobFileSet('what was chosen', tokenizer), signal);
  }
  const chunks = opfsChunkStore();
  if (source.kind === 'url') {
    const name = urlName(source.url);
    return { files: urlFileSet(source.url, { chunks }), name, source: { name, url: source.url } };
  }
  const model = parseHubId(source.id);
  if (model === undefined)
    throw new FormatError('malformed', source.id, 'is no hub id.', 'One looks like owner/name or owner/name@revision.');
  const { hub, token } = source;
  return {
    files: hubFileSet(model, {
      hub,
      chunks,
      ...(token === undefined || token === '' ? {} : { token }),
    }),
    name: model.id.slice(model.id.indexOf('/') + 1),
    source: { name: model.id, revision: model.revision, url: `${hub.replace(/\/+$/, '')}/${model.id}` },
  };
}
