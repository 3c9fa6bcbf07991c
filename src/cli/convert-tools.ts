/** What the converter is given on the command line: onnxruntime-node and the tokenizer library. */
import type { ConvertTools } from '@/convert/conversion.ts';
import { FormatError } from '@/formats/errors.ts';
import { convertTools } from '@/jobs/conversion/convert-tools.ts';
import { nativeBackendFactory } from '@/runtime/native-backend.ts';

/** @throws FormatError `unsupported` where onnxruntime-node cannot be loaded. */
export async function createConvertTools(): Promise<ConvertTools & { dispose(): Promise<void> }> {
  const created = await nativeBackendFactory().create('native');
  if (!('backend' in created)) throw new FormatError('unsupported', 'onnxruntime-node', created.unavailable);
  const { backend } = created;
  return { ...convertTools(backend), dispose: () => backend.dispose() };
}
