/**
 * Results that were not made here and now: of an example, of a file, of the history. Kept beside the store, which refers to them by
 * key, as typed arrays belong to no store. They go through the same components as live results, and always say what they are.
 */
import type { Message, ScoredResponse } from '@/engine/api/messages.ts';
import type { InspectionModel, InspectionResult } from '@/formats/inspection-file.ts';
import { fromInspectionResult } from '@/formats/inspection-numbers.ts';
import type { Manifest } from '@/formats/manifest.ts';
import { firstExample } from '@/samples/first-example.ts';
import { firstRecording } from '@/samples/recorded.ts';
import { conversationMessages, conversationOf, type ConversationTexts } from './conversation.ts';

export type RecordingSource = 'example' | 'file' | 'history';

export interface Recording {
  readonly source: RecordingSource;
  /** Of the model that gave the results; without canaries. */
  readonly manifest: Manifest;
  /** M `[k, k]`, row-major. */
  readonly transform: Float64Array;
  readonly packageSha256: string;
  /** What ran the model, e.g. `wasm`. */
  readonly provider: string;
  /** ISO 8601; absent for the examples, which are as old as the page. */
  readonly createdAt?: string;
  readonly messages: readonly Message[];
  /** By the response's exact text. */
  readonly scored: ReadonlyMap<string, ScoredResponse>;
}

interface RecordingParts {
  readonly source: RecordingSource;
  readonly model: InspectionModel;
  readonly texts: ConversationTexts;
  readonly results: readonly InspectionResult[];
  readonly createdAt?: string;
}

export function recordingFrom({ source, model, texts, results, createdAt }: RecordingParts): Recording {
  return {
    source,
    manifest: { ...model.manifest, canaries: [] },
    transform: Float64Array.from(model.transform),
    packageSha256: model.packageSha256,
    provider: model.provider,
    ...(createdAt === undefined ? {} : { createdAt }),
    messages: conversationMessages(conversationOf(texts)),
    scored: new Map(results.map((result) => [texts.responses[result.response] ?? '', fromInspectionResult(result)])),
  };
}

const kept = new Map<string, Recording>();

export const firstRecordingKey = `example:${firstExample.name}`;
kept.set(
  firstRecordingKey,
  recordingFrom({
    source: 'example',
    model: firstRecording.model,
    texts: firstExample,
    results: firstRecording.results,
  }),
);

/** Keeps a recording for as long as the page is open. */
export function keepRecording(key: string, recording: Recording): void {
  kept.set(key, recording);
}

export function recordingAt(key: string | undefined): Recording | undefined {
  return key === undefined ? undefined : kept.get(key);
}
