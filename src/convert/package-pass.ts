/** Runs whole sequences through a package's own files, stage by stage. */
import type { ByteSource, FileSet } from '@/formats/byte-source.ts';
import { openEmbeddingTable } from '@/formats/embedding-table.ts';
import { FormatError } from '@/formats/errors.ts';
import type { Architecture, FileEntry, Stage } from '@/formats/manifest.ts';
import type { ConvertCall } from './conversion.ts';
import type { SequenceRows } from './reference-pass.ts';
import type { StageRunner } from './stage-runner.ts';

/** f32 features of every sequence by the package's own files, one stage in memory at a time. */
export async function runPackage(
  files: FileSet,
  architecture: Architecture,
  embedding: FileEntry,
  stages: readonly Stage[],
  sequences: readonly SequenceRows[],
  stageRunner: StageRunner,
  { signal, onProgress }: ConvertCall,
): Promise<Float32Array[]> {
  const open = async (file: string): Promise<ByteSource> => {
    const source = await files.open(file, signal);
    if (source === undefined) throw new FormatError('missing-file', file, 'is gone from the package.');
    return source;
  };
  const table = await openEmbeddingTable(await open(embedding.file), architecture);
  const hidden = await Promise.all(sequences.map(({ tokenIds }) => table.lookup(tokenIds, signal)));
  for (const [number, { firstLayer, endLayer, graph, data }] of stages.entries()) {
    onProgress?.({ stage: 'prove', done: number, total: stages.length });
    const stage = await stageRunner.open(
      {
        architecture,
        firstLayer,
        endLayer,
        graph: await open(graph.file),
        data: await Promise.all(data.map(async ({ file }) => ({ name: file, bytes: await open(file) }))),
      },
      signal,
    );
    try {
      for (const [index, { tokenIds, rows }] of sequences.entries()) {
        signal?.throwIfAborted();
        const last = endLayer === architecture.layers;
        hidden[index] = await stage.run(hidden[index]!, tokenIds.length, last ? rows : undefined);
      }
    } finally {
      await stage.close();
    }
  }
  onProgress?.({ stage: 'prove', done: stages.length, total: stages.length });
  return hidden;
}
