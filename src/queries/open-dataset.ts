/**
 * Whatever is given to Evaluate, by drop, choice, paste, address or sample: a scored file becomes the loaded set and needs no model,
 * anything else is a dataset to be scored. A file is known by its bytes, never by its name.
 */
import type { ScoredSet } from '@/core/scored-set.ts';
import type { ByteSource } from '@/formats/byte-source.ts';
import type { RejectedRow } from '@/formats/rejected-rows.ts';
import { keepDataset, openingEnded, openingStarted, type DraftMapping } from '@/state/evaluation-store.ts';
import { keepScoredSet } from '@/state/loaded-set.ts';
import { trackWork } from '@/state/pending-work.ts';
import { setSource } from '@/state/steering-store.ts';
import type { HeadOwner } from './active-head.ts';
import { headFacts, setProblem } from './open-scored-set.ts';

/** Bytes asked for at once from an address: a request takes long enough to be worth it, and little is lost when one fails. */
const DOWNLOAD_PIECE = 8 * 1024 * 1024;

/** How an earlier run read the file. */
export interface EarlierRun {
  readonly mapping: DraftMapping;
  readonly limit: number | undefined;
}

/** Opens a file. `owner`: the model in use, whose scores a scored file may hold. */
export async function openEvaluationFile(
  name: string,
  blob: Blob,
  owner: HeadOwner | undefined,
  earlier?: EarlierRun,
): Promise<void> {
  await opened(name, async () => {
    const { blobSource } = await import('@/formats/blob-source.ts');
    await openSource(blobSource(name, blob), owner, earlier);
  });
}

/** Opens a file of texts, for a view that has no use for scores. */
export async function openTextsFile(name: string, blob: Blob): Promise<void> {
  await opened(name, async () => {
    const [{ blobSource }, { scoredFormatOf }] = await Promise.all([
      import('@/formats/blob-source.ts'),
      import('@/formats/scored-set.ts'),
    ]);
    const source = blobSource(name, blob);
    if ((await scoredFormatOf(source)) !== undefined)
      throw new Error(
        'it holds scores; features are made from the texts themselves. Open the dataset it was made from.',
      );
    await openTexts(source);
  });
}

/** Downloads what an address holds, then opens it. */
export async function openEvaluationAddress(address: string, owner: HeadOwner | undefined): Promise<void> {
  const url = URL.canParse(address, document.baseURI) ? new URL(address, document.baseURI) : undefined;
  const name = decodeURIComponent(url?.pathname.split('/').at(-1) ?? '') || address;
  await opened(name, async () => {
    if (url === undefined || !/^https?:$/.test(url.protocol))
      throw new Error('it is no address of a file: give one that begins with https://.');
    const [{ openHttpSource }, { blobSource }] = await Promise.all([
      import('@/formats/http-source.ts'),
      import('@/formats/blob-source.ts'),
    ]);
    const remote = await openHttpSource(url, name);
    if (remote === undefined) throw new Error('the server has no such file.');
    // Blobs of this size lie on disk: the page holds one piece at a time.
    const pieces: Blob[] = [];
    for (let at = 0; at < remote.size; at += DOWNLOAD_PIECE)
      pieces.push(new Blob([await remote.read(at, Math.min(DOWNLOAD_PIECE, remote.size - at))]));
    await openSource(blobSource(name, new Blob(pieces)), owner);
  });
}

async function opened(name: string, open: () => Promise<void>): Promise<void> {
  openingStarted(name);
  await trackWork(
    open().catch((cause: unknown) => {
      openingEnded(`${name} was not opened: ${cause instanceof Error ? cause.message : String(cause)}`);
    }),
  );
}

async function openTexts(source: ByteSource, earlier?: EarlierRun): Promise<void> {
  const { previewDataset } = await import('@/formats/datasets/read-dataset.ts');
  keepDataset(source, await previewDataset(source), earlier);
}

async function openSource(source: ByteSource, owner: HeadOwner | undefined, earlier?: EarlierRun): Promise<void> {
  const { scoredFormatOf, readScoredSet } = await import('@/formats/scored-set.ts');
  if ((await scoredFormatOf(source)) === undefined) {
    await openTexts(source, earlier);
    return;
  }
  const read = (await ofModel()) ?? (await readScoredSet(source));
  keepScoredSet(source.name, read.set, read.rejected);
  setSource({ kind: 'open' });
  openingEnded();

  /** The file read as the model's own scores; `undefined` where they are not. */
  async function ofModel(): Promise<
    { readonly set: ScoredSet; readonly rejected: readonly RejectedRow[] } | undefined
  > {
    if (owner === undefined) return undefined;
    const objectives = owner.manifest.objectives.map(({ name }) => name);
    const own = await readScoredSet(source, { objectives, modelId: owner.manifest.id, head: headFacts(owner) });
    return setProblem(own.set, owner) === undefined ? own : undefined;
  }
}
