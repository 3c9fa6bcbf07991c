/** Opening the examples: their texts and recorded results are fetched when one is asked for; the first is there from the start. */
import type { Example } from '@/samples/example.ts';
import { firstExample } from '@/samples/first-example.ts';
import { firstRecording, otherRecordings } from '@/samples/recorded.ts';
import { conversationOf } from './conversation.ts';
import { openConversation } from './inspect-store.ts';
import { trackWork } from './pending-work.ts';
import { keepRecording, recordingFrom } from './recordings.ts';

let known: readonly Example[] = [firstExample];

/** All examples, in the gallery's order; fetched once. Rejects when their code cannot be fetched. */
export async function loadExamples(): Promise<readonly Example[]> {
  if (known.length > 1) return known;
  const [{ examples }, others] = await trackWork(Promise.all([import('@/samples/examples.ts'), otherRecordings()]));
  const recordings = [firstRecording, ...others];
  for (const texts of examples) {
    const results = recordings.find((recording) => recording.name === texts.name)?.results ?? [];
    keepRecording(
      exampleKey(texts.name),
      recordingFrom({ source: 'example', model: firstRecording.model, texts, results }),
    );
  }
  known = examples;
  return known;
}

/** An example that has been fetched. */
export function knownExample(name: string): Example | undefined {
  return known.find((example) => example.name === name);
}

/** Key of an example's recorded results. */
export function exampleKey(name: string): string {
  return `example:${name}`;
}

/** Where an example is opened: the fragment of the page's address. */
export function exampleAddress(name: string): string {
  return `#/inspect?example=${name}`;
}

/** Opens an example with its recorded results; says whether there is one of that name. */
export async function openExample(name: string): Promise<boolean> {
  const example = knownExample(name) ?? (await loadExamples()).find((entry) => entry.name === name);
  if (example === undefined) return false;
  openConversation(conversationOf(example), {
    origin: { kind: 'example', name },
    submit: { mode: 'automatic', recording: exampleKey(name) },
  });
  return true;
}
