/** Conversion in a browser's worker: a chosen folder or a hub, ONNX Runtime's wasm, packages in the origin's private file system. */
import { blobFileSet } from '@/formats/blob-source.ts';
import { FormatError } from '@/formats/errors.ts';
import { hubFileSet, parseHubId } from '@/formats/hub-source.ts';
import type { CheckpointSource, ConversionRequest } from '@/jobs/api/packages.ts';
import { webSurroundings } from '@/jobs/host/packages/web-package-tasks.ts';
import { webBackendFactory } from '@/runtime/web-factory.ts';
import { clearHubChunks, opfsChunkStore } from './hub-chunks.ts';
import { convertTask } from './convert-task.ts';
import { convertTools } from './convert-tools.ts';
import type { OpenedCheckpoint } from './opened-checkpoint.ts';
import { webRounder } from './web-rounder.ts';

export async function convertInPage(
  { source, dtype }: ConversionRequest,
  createRoundingWorker: () => Worker,
  signal: AbortSignal,
): Promise<{ readonly key: string }> {
  const done = await convertTask(
    webSurroundings(),
    openCheckpoint(source),
    dtype,
    () => openTools(createRoundingWorker),
    signal,
  );
  // The package is whole: what it was made of is not needed again.
  if (source.kind === 'hub') await clearHubChunks();
  return done;
}

/** On the processor: what the package is proven against must not depend on a graphics card. */
async function openTools(createRoundingWorker: () => Worker) {
  const created = await webBackendFactory().create('wasm');
  if (!('backend' in created)) throw new FormatError('unsupported', 'ONNX Runtime', created.unavailable);
  const { backend } = created;
  const rounder = webRounder(createRoundingWorker);
  return {
    ...convertTools(backend),
    rounder,
    async dispose() {
      rounder.close();
      await backend.dispose();
    },
  };
}

function openCheckpoint(source: CheckpointSource): OpenedCheckpoint {
  if (source.kind === 'files') {
    const { name, files } = source;
    return { files: blobFileSet(name, files), name, source: { name } };
  }
  const model = parseHubId(source.id);
  if (model === undefined)
    throw new FormatError('malformed', source.id, 'is no hub id.', 'One looks like owner/name or owner/name@revision.');
  const { hub, token } = source;
  return {
    files: hubFileSet(model, {
      hub,
      chunks: opfsChunkStore(),
      ...(token === undefined || token === '' ? {} : { token }),
    }),
    name: model.id.slice(model.id.indexOf('/') + 1),
    source: { name: model.id, revision: model.revision, url: `${hub.replace(/\/+$/, '')}/${model.id}` },
  };
}
