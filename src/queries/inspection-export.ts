/** The inspection on the page as a file. */
import type { ScoredResponse } from '@/engine/api/messages.ts';
import { conversationTexts } from '@/state/conversation.ts';
import { useInspect } from '@/state/inspect-store.ts';
import { inspectedModel, inspectionFile, packageHashOf } from '@/state/inspection-exchange.ts';
import type { Recording } from '@/state/recordings.ts';
import type { ModelState } from './model-queries.ts';

interface Shown {
  readonly entries: readonly {
    /** Under the model's own head: a file holds what the model said, not what a variant makes of it. */
    readonly own: ScoredResponse | undefined;
    readonly stale: boolean;
    readonly recorded: boolean;
  }[];
  readonly recording: Recording | undefined;
}

/** Texts as they are now; results only where they still belong to them. `undefined` where no model has anything to say. */
export async function writeInspection(
  { entries, recording }: Shown,
  model: ModelState,
): Promise<{ readonly name: string; readonly blob: Blob } | undefined> {
  const loaded = model.status === 'ready' ? model.model : undefined;
  const fromRecording = recording !== undefined && (loaded === undefined || entries.some((entry) => entry.recorded));
  const facts = fromRecording ? recording : loaded === undefined ? undefined : inspectedModel(loaded);
  if (facts === undefined) return undefined;
  const createdAt = new Date();
  const { writeInspectionFile } = await import('@/formats/inspection-file.ts');
  const file = inspectionFile({
    model: facts,
    packageSha256: fromRecording ? recording.packageSha256 : await packageHashOf(facts.manifest),
    texts: conversationTexts(useInspect.getState().conversation),
    scored: entries.map(({ own, stale }) => (stale ? undefined : own)),
    createdAt,
  });
  const stamp = file.createdAt.slice(0, 16).replaceAll(/[-:]/g, '').replace('T', '-');
  return {
    name: `inspection-${stamp}.json`,
    blob: new Blob([writeInspectionFile(file)], { type: 'application/json' }),
  };
}
