/**
 * A checkpoint into a package kept on this machine, with the converter of the command line. What is finished stays: the same request
 * goes on after the last whole stage.
 */
import type { ConversionState, ConvertTools } from '@/convert/conversion.ts';
import { convertCheckpoint } from '@/convert/convert-checkpoint.ts';
import { decodeConversionState, encodeConversionState, filesOfState } from '@/convert/conversion-state.ts';
import { CHUNK_BYTES, type KeptPackage } from '@/formats/kept/kept-package.ts';
import type { ConversionRequest } from '@/jobs/api/packages.ts';
import { sha256Of } from '@/formats/chunk-hashing.ts';
import { RecordKeeper } from '@/jobs/host/packages/record-keeper.ts';
import { alone, withRoom, type PackageSurroundings } from '@/jobs/host/packages/package-tasks.ts';
import { keptSink } from './kept-sink.ts';
import { conversionIdentity, type OpenedCheckpoint } from './opened-checkpoint.ts';

/** As the command line has it. */
const LAYERS_PER_STAGE = 4;
/** Beside the package's files, in its folder; no file of a package can have this name. */
const STATE_FILE = '.conversion';

export async function convertTask(
  around: PackageSurroundings,
  opened: OpenedCheckpoint,
  dtype: ConversionRequest['dtype'],
  openTools: () => Promise<ConvertTools & { dispose(): Promise<void> }>,
  signal: AbortSignal,
): Promise<{ readonly key: string }> {
  const { folders } = around;
  const { files, name, source } = opened;
  const options = { dtype, mixed: dtype === 'q4', layersPerStage: LAYERS_PER_STAGE };
  const identity = [name, await conversionIdentity(opened, options, signal)].join('\n');
  const hash = await sha256Of(new TextEncoder().encode(identity));
  const key = `conversion-${hash.slice(0, 16)}`;
  await alone(around, key, async () => {
    const before = await folders.record(key);
    if (before?.whole === true && before.deletedAt === undefined) return;
    const resume = await readState(around, before);
    const keeper = new RecordKeeper(beginRecord(key, name, before, resume), folders, (changed) =>
      around.announce({ kind: 'changed', key: changed }),
    );
    await withRoom(around, keeper.record.name, async () => {
      await keeper.change((record) => record);
      const sink = keptSink(folders, keeper);
      const tools = await openTools();
      try {
        const { manifest } = await convertCheckpoint(
          files,
          sink,
          { ...opened.options, ...options, name, source },
          tools,
          {
            signal,
            ...(resume === undefined ? {} : { resume }),
            onState: (state) => folders.replaceFile(key, STATE_FILE, encodeConversionState(state)),
            onProgress: progressNews(around, key, name),
          },
        );
        const verifiedAt = around.now();
        await keeper.change((record) => ({ ...record, modelId: manifest.id, whole: true, verifiedAt }));
        await folders.removeFile(key, STATE_FILE);
      } finally {
        sink.close();
        await tools.dispose();
      }
    });
  });
  return { key };
}

function progressNews(around: PackageSurroundings, key: string, name: string) {
  let bytes = 0;
  return (
    progress: Parameters<NonNullable<Parameters<typeof convertCheckpoint>[4]>['onProgress'] & object>[0],
  ): void => {
    const proving = progress.stage === 'prove';
    if (!proving) bytes = progress.totalBytes;
    around.announce({
      kind: 'progress',
      key,
      name,
      phase: 'convert',
      file: proving
        ? `proving stage ${Math.min(progress.done + 1, progress.total)} of ${progress.total}`
        : progress.tensor,
      doneBytes: proving ? bytes : progress.doneBytes,
      totalBytes: bytes,
    });
  };
}

/** What a state refers to must be here as it was written; otherwise the conversion begins anew. */
async function readState(
  { folders }: PackageSurroundings,
  before: KeptPackage | undefined,
): Promise<ConversionState | undefined> {
  if (before === undefined) return undefined;
  const blob = await folders.blob(before.key, STATE_FILE);
  if (blob === undefined) return undefined;
  const state = await decodeConversionState(new Uint8Array(await blob.arrayBuffer()));
  if (state === undefined) return undefined;
  for (const entry of filesOfState(state)) {
    const kept = before.files.find(({ file }) => file === entry.file);
    const there = await folders.blob(before.key, entry.file);
    if (kept?.sha256 !== entry.sha256 || !kept.whole || there?.size !== entry.bytes) return undefined;
  }
  return state;
}

function beginRecord(
  key: string,
  name: string,
  before: KeptPackage | undefined,
  resume: ConversionState | undefined,
): KeptPackage {
  const here = new Set(resume === undefined ? [] : filesOfState(resume).map(({ file }) => file));
  return {
    version: 1,
    key,
    name,
    modelId: '',
    source: { kind: 'conversion', name },
    chunkBytes: CHUNK_BYTES,
    files: (before?.files ?? []).filter(({ file }) => here.has(file)),
    whole: false,
  };
}
