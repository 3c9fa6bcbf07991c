/** Conversion in a browser's worker: a chosen folder, ONNX Runtime's wasm, packages in the origin's private file system. */
import { blobFileSet } from '@/formats/blob-source.ts';
import { FormatError } from '@/formats/errors.ts';
import type { ConversionRequest } from '@/jobs/api/packages.ts';
import { webSurroundings } from '@/jobs/host/packages/web-package-tasks.ts';
import { webBackendFactory } from '@/runtime/web-factory.ts';
import { convertTask } from './convert-task.ts';
import { convertTools } from './convert-tools.ts';

export async function convertInPage(
  { source, dtype }: ConversionRequest,
  signal: AbortSignal,
): Promise<{ readonly key: string }> {
  const { name, files } = source;
  const checkpoint = { files: blobFileSet(name, files), name, source: { name } };
  return convertTask(webSurroundings(), checkpoint, dtype, openTools, signal);
}

/** On the processor: what the package is proven against must not depend on a graphics card. */
async function openTools() {
  const created = await webBackendFactory().create('wasm');
  if (!('backend' in created)) throw new FormatError('unsupported', 'ONNX Runtime', created.unavailable);
  const { backend } = created;
  return { ...convertTools(backend), dispose: () => backend.dispose() };
}
