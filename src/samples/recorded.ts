/**
 * The results that the embedded package gave for the examples, so that they can be shown before any weight is loaded. Written by
 * `npm run record-examples`; `examples.test.ts` scores them again and compares.
 */
import type { InspectionModel, InspectionResult } from '@/formats/inspection-file.ts';
import firstText from './recorded/first.json?raw';

export interface RecordedExample {
  readonly name: string;
  readonly results: readonly InspectionResult[];
}

interface FirstRecording extends RecordedExample {
  readonly model: InspectionModel;
}

/** The first screen's results, and the facts of the model that gave all recorded results. */
export const firstRecording: FirstRecording = JSON.parse(firstText);

/** Results of every other example. */
export async function otherRecordings(): Promise<readonly RecordedExample[]> {
  const { default: text } = await import('./recorded/others.json?raw');
  const recordings: readonly RecordedExample[] = JSON.parse(text);
  return recordings;
}
