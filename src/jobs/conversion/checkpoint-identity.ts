/**
 * What tells one checkpoint from another without reading it whole: every file the converter reads, with its length and its version
 * (a server's ETag, a file's time of change). An interrupted conversion is gone on with only under the same.
 */
import type { ByteSource, FileSet } from '@/formats/byte-source.ts';
import { INDEX_FILE, parseShardIndex, SINGLE_FILE } from '@/formats/checkpoint-tensors.ts';
import { readJsonFile } from '@/formats/json-file.ts';

const TEXT_FILES = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'README.md'];
const MAX_INDEX_BYTES = 32_000_000;

/** One line a file; a file that is not there has none. */
export async function checkpointIdentity(files: FileSet, signal: AbortSignal): Promise<string> {
  const index = await files.open(INDEX_FILE, signal);
  const shards =
    index === undefined
      ? [SINGLE_FILE]
      : [...new Set(parseShardIndex(await readJsonFile(index, MAX_INDEX_BYTES, signal)).values())].sort();
  const lines: string[] = [];
  for (const file of [...TEXT_FILES, ...shards]) {
    const source = await files.open(file, signal);
    if (source !== undefined) lines.push(`${file} ${source.size} ${await versionOf(source)}`);
  }
  return lines.join('\n');
}

async function versionOf(source: ByteSource): Promise<string> {
  if (source.revision !== undefined) return source.revision;
  const blob = await source.blob?.();
  return blob instanceof File ? String(blob.lastModified) : '';
}
