/** What the numbers on the page are: made here and now, or elsewhere, by which model, and how far the two are apart. Pure. */
import { formatErrorBound } from '@/components/number-format.ts';
import type { ScoredResponse } from '@/engine/api/messages.ts';
import type { ModelState } from '@/queries/model-queries.ts';
import type { Recording } from '@/state/recordings.ts';

export interface Provenance {
  readonly badge: 'Recorded' | 'Live' | 'Partly live';
  readonly sentence: string;
}

interface ShownEntry {
  /** The text that was scored. */
  readonly text: string | undefined;
  readonly recorded: boolean;
  readonly scored: ScoredResponse | undefined;
}

/** `undefined` where nothing was recorded for what is shown, or nothing is shown. */
export function provenanceOf(
  recording: Recording | undefined,
  entries: readonly ShownEntry[],
  model: Pick<ModelState, 'status'> & { readonly id?: string },
  running: boolean,
): Provenance | undefined {
  const shown = entries.filter((entry) => entry.scored !== undefined);
  if (recording === undefined || shown.length === 0) return undefined;
  const recorded = shown.filter((entry) => entry.recorded).length;
  if (recorded === 0) return { badge: 'Live', sentence: liveSentence(recording, shown) };
  if (recorded < shown.length)
    return {
      badge: 'Partly live',
      sentence: 'Some of these numbers are recorded still; the others were scored just now.',
    };
  return { badge: 'Recorded', sentence: `${madeBy(recording)} ${nextStep(recording, model, running)}` };
}

function madeBy(recording: Recording): string {
  const { name, id } = recording.manifest;
  if (recording.source === 'example') return `${name} gave these numbers when this page was made.`;
  const when = recording.createdAt === undefined ? '' : ` on ${dateWords(recording.createdAt)}`;
  return `${id} gave these numbers${when}, running on ${recording.provider}.`;
}

function nextStep(
  recording: Recording,
  model: Pick<ModelState, 'status'> & { readonly id?: string },
  running: boolean,
): string {
  if (running) return 'They are being scored live now.';
  if (recording.source === 'example')
    return model.status === 'loading'
      ? 'They are scored live as soon as the model is ready.'
      : model.status === 'ready'
        ? 'Press Score to score the texts as they are now.'
        : 'The model is not loaded, so nothing was scored on this device.';
  if (model.status !== 'ready') return 'No model is needed to read them.';
  return model.id === recording.manifest.id
    ? 'Press Score to score the texts again on this device.'
    : `The model in use is ${model.id ?? 'another one'}: pressing Score asks that one instead.`;
}

function liveSentence(recording: Recording, shown: readonly ShownEntry[]): string {
  const drift = largestDrift(recording, shown);
  return drift === undefined
    ? 'Scored on this device just now.'
    : `Scored on this device just now; the recorded numbers differ by at most ${formatErrorBound(drift)}.`;
}

/** Largest |difference| of score and rewards between what was recorded and what is shown; `undefined` where nothing compares. */
export function largestDrift(recording: Recording, shown: readonly ShownEntry[]): number | undefined {
  let worst: number | undefined;
  for (const { scored, text } of shown) {
    const was = recording.scored.get(text ?? '');
    if (scored === undefined || was === undefined || was.rewards.length !== scored.rewards.length) return undefined;
    const differences = scored.rewards.map((reward, at) => Math.abs(reward - (was.rewards[at] ?? Number.NaN)));
    worst = Math.max(worst ?? 0, Math.abs(scored.score - was.score), ...differences);
  }
  return worst;
}

function dateWords(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime())
    ? iso
    : date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}
