/** An inspection on its way out of the page (export, history) and back in (import, drop, history). */
import type { LoadedModel, Message, ScoredResponse } from '@/engine/api/messages.ts';
import type { InspectionFile } from '@/formats/inspection-file.ts';
import { INSPECTION_FORMAT, INSPECTION_VERSION } from '@/formats/inspection-kind.ts';
import { toInspectionResult } from '@/formats/inspection-numbers.ts';
import { conversationOf, type ConversationTexts } from './conversation.ts';
import { openConversation, type Origin } from './inspect-store.ts';
import { keepRecording, recordingFrom, type Recording } from './recordings.ts';

/** The model that gave the results: loaded here, or brought by a recording. */
export type InspectedModel = Pick<Recording, 'manifest' | 'transform' | 'provider'>;

export function inspectedModel({ manifest, transform, provider }: LoadedModel): InspectedModel {
  return { manifest, transform, provider };
}

interface InspectionParts {
  readonly model: InspectedModel;
  readonly packageSha256: string;
  readonly texts: ConversationTexts;
  /** Of `texts.responses`, in order; `undefined` where one is not scored. */
  readonly scored: readonly (ScoredResponse | undefined)[];
  readonly createdAt: Date;
}

export function inspectionFile({ model, packageSha256, texts, scored, createdAt }: InspectionParts): InspectionFile {
  const { canaries: _, ...manifest } = model.manifest;
  return {
    format: INSPECTION_FORMAT,
    formatVersion: INSPECTION_VERSION,
    createdAt: createdAt.toISOString(),
    model: { manifest, packageSha256, transform: [...model.transform], provider: model.provider },
    conversation: {
      turns: [...texts.turns],
      responses: [...texts.responses],
      ...(texts.system === undefined ? {} : { system: texts.system }),
    },
    results: scored.flatMap((response, index) => (response === undefined ? [] : [toInspectionResult(index, response)])),
  };
}

/** The texts that were handed over: what the engine takes, as an editor holds it. */
export function textsOf(messages: readonly Message[], responses: readonly string[]): ConversationTexts {
  const [first] = messages;
  const system = first?.role === 'system' ? first.content : undefined;
  return {
    ...(system === undefined ? {} : { system }),
    turns: messages.slice(system === undefined ? 0 : 1).map((message) => message.content),
    responses,
  };
}

/** The hash of a whole package; its code is fetched when it is first needed. */
export async function packageHashOf(manifest: LoadedModel['manifest']): Promise<string> {
  const { packageSha256 } = await import('@/formats/model-package.ts');
  return packageSha256(manifest);
}

let opened = 0;

/** Puts an inspection on the page with its results, as recorded ones: no model is needed, and nothing is scored by itself. */
export function openInspection(file: InspectionFile, origin: Origin): void {
  opened += 1;
  const key = `opened:${opened}`;
  const { model, conversation: texts, results, createdAt } = file;
  const source = origin.kind === 'history' ? 'history' : 'file';
  keepRecording(key, recordingFrom({ source, model, texts, results, createdAt }));
  openConversation(conversationOf(texts), {
    origin,
    ...(results.length === 0 ? {} : { submit: { mode: 'recorded', recording: key } }),
  });
}
