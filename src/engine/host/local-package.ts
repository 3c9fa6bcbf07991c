/**
 * Opens a model package for scoring: validates the manifest, brings every file to where it can be mapped or mounted (a file on
 * disk and a Blob stay where they are, one behind a URL is read once, into a Blob), proves the hashes on the way, and reads heads,
 * tokenizer and embedding.
 */
import { inTurns } from '@/base/in-turns.ts';
import type { RewardHead } from '@/core/reward-head.ts';
import type { LoadedFile } from '@/engine/api/messages.ts';
import type { CallOptions } from '@/engine/api/reward-engine.ts';
import { blobSource } from '@/formats/blob-source.ts';
import type { ByteSource, FileSet } from '@/formats/byte-source.ts';
import { openEmbeddingTable } from '@/formats/embedding-table.ts';
import type { EmbeddingTable } from '@/formats/embedding-table.ts';
import { readJsonFile } from '@/formats/json-file.ts';
import { manifestFiles } from '@/formats/manifest-checks.ts';
import type { FileEntry, Manifest } from '@/formats/manifest.ts';
import { checkFile, openEntry, openPackage, readHeads, readVerifiedBlob } from '@/formats/model-package.ts';
import type { BackboneStage } from '@/runtime/backbone.ts';
import { ChatTokenizer } from '@/runtime/chat-tokenizer.ts';

export interface LocalPackage {
  readonly manifest: Manifest;
  readonly tokenizer: ChatTokenizer;
  readonly embedding: EmbeddingTable;
  readonly head: RewardHead;
  readonly stages: readonly BackboneStage[];
  readonly loadedBytes: number;
  readonly loadedFiles: readonly LoadedFile[];
}

export interface OpenOptions {
  readonly verifyHashes: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: NonNullable<CallOptions['onProgress']>;
}

/** Tokenizer files of 128,000 tokens with merges take 9-17 MB. */
const maxTokenizerBytes = 64 * 1024 * 1024;

/** @throws FormatError, EngineError `bad-package`, or the signal's reason. */
export async function openLocalPackage(files: FileSet, options: OpenOptions): Promise<LocalPackage> {
  const { signal } = options;
  const { manifest } = await openPackage(files, signal);
  const local = await localFiles(files, manifest, options);
  const source = ({ file }: FileEntry): ByteSource => {
    const found = local.get(file);
    if (found === undefined) throw new Error(`${file} was not brought here`);
    return found;
  };
  const tokenizer = new ChatTokenizer(
    manifest,
    await readJsonFile(source(manifest.tokenizer), maxTokenizerBytes, signal),
    await readJsonFile(source(manifest.tokenizerConfig), maxTokenizerBytes, signal),
  );
  return {
    manifest,
    tokenizer,
    embedding: await openEmbeddingTable(source(manifest.embedding), manifest.architecture, { signal }),
    head: await readHeads(source(manifest.heads), manifest, signal),
    stages: manifest.stages.map(({ firstLayer, endLayer, graph, data }) => ({
      firstLayer,
      endLayer,
      files: { graph: source(graph), data: data.map((entry) => ({ name: entry.file, bytes: source(entry) })) },
    })),
    loadedBytes: totalBytes(manifest),
    // A file whose hash is another one was refused above.
    loadedFiles: manifestFiles(manifest).map(({ path, entry: { file, bytes, sha256 } }) => ({
      role: path,
      file,
      bytes,
      sha256,
      verified: options.verifyHashes,
    })),
  };
}

function totalBytes(manifest: Manifest): number {
  return manifestFiles(manifest).reduce((sum, { entry }) => sum + entry.bytes, 0);
}

/** More wait for the disk. */
const MOST_PROVEN_AT_ONCE = 4;

async function localFiles(
  files: FileSet,
  manifest: Manifest,
  { verifyHashes, signal, onProgress }: OpenOptions,
): Promise<ReadonlyMap<string, ByteSource>> {
  const total = totalBytes(manifest);
  const local = new Map<string, ByteSource>();
  /** Bytes of every file so far. */
  const loaded = new Map<string, number>();
  const elsewhere: ((signal: AbortSignal) => Promise<void>)[] = [];
  for (const { path, entry } of manifestFiles(manifest)) {
    const report = (fileBytes: number): void => {
      loaded.set(path, fileBytes);
      onProgress({
        stage: 'download',
        file: entry.file,
        fileBytes: entry.bytes,
        loadedBytes: [...loaded.values()].reduce((sum, bytes) => sum + bytes, 0),
        totalBytes: total,
      });
    };
    const opened = await openEntry(files, entry, signal);
    const checking = { signal, onProgress: report };
    if (opened.path === undefined && opened.blob === undefined) {
      const blob = await readVerifiedBlob(opened, entry, { ...checking, verify: verifyHashes });
      local.set(entry.file, blobSource(entry.file, blob));
      continue;
    }
    local.set(entry.file, opened);
    if (!verifyHashes) report(entry.bytes);
    // Chunks are hashed on all cores already.
    else if (opened.hashWhole === undefined || opened.chunkHashes !== undefined)
      await checkFile(opened, entry, checking);
    else elsewhere.push((either) => checkFile(opened, entry, { signal: either, onProgress: report }));
  }
  if (elsewhere.length > 0)
    await inTurns(elsewhere, Math.min(MOST_PROVEN_AT_ONCE, navigator.hardwareConcurrency), signal);
  return local;
}
