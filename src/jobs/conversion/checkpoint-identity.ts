/**
 * What tells one checkpoint from another without reading it whole: every file the converter reads, with its length and its version
 * (a server's ETag, a file's time of change). An interrupted conversion is gone on with only under the same.
 */
import type { ByteSource, FileSet } from '@/formats/byte-source.ts';
import { INDEX_FILE, parseShardIndex, SINGLE_FILE } from '@/formats/checkpoint-tensors.ts';
import { readJsonFile } from '@/formats/json-file.ts';
import { ADAPTER_CONFIG_FILE, ADAPTER_FILE } from '@/formats/lora-adapter.ts';
import { CHAT_TEMPLATE_FILE } from '@/formats/tokenizer-config.ts';

const TEXT_FILES = ['config.json', 'tokenizer.json', 'tokenizer_config.json', CHAT_TEMPLATE_FILE, 'README.md'];
const MAX_INDEX_BYTES = 32_000_000;

/** One line a file; a file that is not there has none. */
export async function checkpointIdentity(files: FileSet, signal?: AbortSignal): Promise<string> {
  const index = await files.open(INDEX_FILE, signal);
  const shards =
    index === undefined
      ? [SINGLE_FILE]
      : [...new Set(parseShardIndex(await readJsonFile(index, MAX_INDEX_BYTES, signal)).values())].sort();
  return identityOf(files, [...TEXT_FILES, ...shards], signal);
}

/** The same of a LoRA adapter. */
export async function adapterIdentity(files: FileSet, signal?: AbortSignal): Promise<string> {
  return identityOf(files, [ADAPTER_CONFIG_FILE, ADAPTER_FILE], signal);
}

async function identityOf(files: FileSet, names: readonly string[], signal: AbortSignal | undefined): Promise<string> {
  const lines: string[] = [];
  for (const file of names) {
    const source = await files.open(file, signal);
    if (source !== undefined) lines.push(`${file} ${source.size} ${await versionOf(source)}`);
  }
  return lines.join('\n');
}

/** One line about one file. */
export async function fileIdentity(source: ByteSource): Promise<string> {
  return `${source.name} ${source.size} ${await versionOf(source)}`;
}

async function versionOf(source: ByteSource): Promise<string> {
  if (source.revision !== undefined) return source.revision;
  const blob = await source.blob?.();
  return blob instanceof File ? String(blob.lastModified) : '';
}
