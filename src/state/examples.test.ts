import { beforeEach, expect, it } from 'vitest';
import { examples } from '@/samples/examples.ts';
import { firstExample } from '@/samples/first-example.ts';
import { exampleKey, knownExample, loadExamples, openExample } from './examples.ts';
import { conversationTexts } from './conversation.ts';
import { useInspect } from './inspect-store.ts';
import { firstRecordingKey, recordingAt } from './recordings.ts';

beforeEach(() => useInspect.setState(useInspect.getInitialState(), true));

it('the first screen has its texts and all its results from the start', () => {
  const { conversation, submission } = useInspect.getState();
  expect(conversationTexts(conversation)).toEqual({ turns: firstExample.turns, responses: firstExample.responses });
  const recording = recordingAt(firstRecordingKey);
  expect(recording?.messages).toEqual(submission?.messages);
  for (const { text } of submission?.responses ?? []) {
    const scored = recording?.scored.get(text);
    expect(scored?.rewards).toBeInstanceOf(Float64Array);
    expect(scored?.rewards).toHaveLength(recording?.manifest.objectives.length ?? -1);
    const sum = scored?.rewards.reduce((total, reward, index) => total + reward * (scored.coefficients[index] ?? 0), 0);
    expect(sum).toBeCloseTo(scored?.score ?? Number.NaN, 7);
  }
});

it('every example opens with its texts and recorded results, scored by itself later', async () => {
  for (const example of await loadExamples()) {
    expect(await openExample(example.name)).toBe(true);
    const { submission, origin, pristine } = useInspect.getState();
    expect([origin, pristine, submission?.mode]).toEqual([{ kind: 'example', name: example.name }, true, 'automatic']);
    const recording = recordingAt(submission?.recording);
    expect(recording?.messages).toEqual(submission?.messages);
    expect(submission?.responses.map(({ text }) => recording?.scored.has(text))).toEqual(
      example.responses.map(() => true),
    );
  }
  expect(knownExample('flattery')?.group).toBe('Flattery');
  expect(recordingAt(exampleKey('flattery'))?.source).toBe('example');
  expect(examples.length).toBeGreaterThanOrEqual(12);
});

it('a name that no example has opens nothing', async () => {
  const before = useInspect.getState();
  expect(await openExample('__proto__')).toBe(false);
  expect(useInspect.getState()).toBe(before);
});
