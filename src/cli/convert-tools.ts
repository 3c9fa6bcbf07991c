/** What the converter is given on the command line: onnxruntime-node, the tokenizer library, threads. */
import type { ConvertTools } from '@/convert/conversion.ts';
import { FormatError } from '@/formats/errors.ts';
import { convertTools } from '@/jobs/conversion/convert-tools.ts';
import { nativeBackendFactory } from '@/runtime/native-backend.ts';
import { nodeRounder } from './node-rounder.ts';

/** @throws FormatError `unsupported` where onnxruntime-node cannot be loaded. */
export async function createConvertTools(): Promise<ConvertTools & { dispose(): Promise<void> }> {
  const created = await nativeBackendFactory().create('native');
  if (!('backend' in created)) throw new FormatError('unsupported', 'onnxruntime-node', created.unavailable);
  const { backend } = created;
  const rounder = nodeRounder();
  return {
    ...convertTools(backend),
    rounder,
    async dispose() {
      rounder.close();
      await backend.dispose();
    },
  };
}
