/** What the converter is given on the command line: onnxruntime-node, the tokenizer library, threads. */
import type { ConvertTools } from '@/convert/conversion.ts';
import { openConvertTools } from '@/jobs/conversion/convert-tools.ts';
import { nativeBackendFactory } from '@/runtime/native-backend.ts';
import { nodeRounder } from './node-rounder.ts';

/** @throws FormatError `unsupported` where onnxruntime-node cannot be loaded. */
export function createConvertTools(): Promise<ConvertTools & { dispose(): Promise<void> }> {
  return openConvertTools(nativeBackendFactory().create('native'), 'onnxruntime-node', nodeRounder);
}
