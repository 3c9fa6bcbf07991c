import { beforeEach, describe, expect, it } from 'vitest';
import type { InspectionFile } from '@/formats/inspection-file.ts';
import { firstExample } from '@/samples/first-example.ts';
import { firstRecording } from '@/samples/recorded.ts';
import { conversationTexts } from './conversation.ts';
import { useInspect, wantsScoring } from './inspect-store.ts';
import type { HistoryStorage } from './history-storage.ts';
import {
  addToHistory,
  deleteFromHistory,
  loadHistory,
  MAX_HISTORY,
  openFromHistory,
  resetHistory,
  undoDelete,
  useInspectionHistory,
  type HistoryEntry,
} from './inspection-history.ts';
import { recordingAt } from './recordings.ts';

const disk = new Map<string, HistoryEntry>();
const memory: HistoryStorage = {
  list: () => Promise.resolve([...disk.values()]),
  put: (entry) => Promise.resolve(void disk.set(entry.id, structuredClone(entry))),
  remove: (ids) => Promise.resolve(ids.forEach((id) => disk.delete(id))),
};
const refusing = (reason: Error): HistoryStorage => ({
  list: () => Promise.reject(reason),
  put: () => Promise.reject(reason),
  remove: () => Promise.reject(reason),
});

beforeEach(() => {
  disk.clear();
  resetHistory(memory);
  useInspect.setState(useInspect.getInitialState(), true);
});

function inspection(question: string): InspectionFile {
  return {
    format: 'armoscope-inspection',
    formatVersion: 1,
    createdAt: '2026-11-24T10:00:00.000Z',
    model: firstRecording.model,
    conversation: { turns: [question], responses: [...firstExample.responses] },
    results: [...firstRecording.results],
  };
}
const questions = () => useInspectionHistory.getState().entries.map(({ file }) => file.conversation.turns[0]);

describe('the history', () => {
  it('lists the newest first, is there again on the next visit, and takes no repetition', async () => {
    await addToHistory(inspection('one'), 1000);
    await addToHistory(inspection('two'), 2000);
    await addToHistory(inspection('two'), 3000);
    expect(questions()).toEqual(['two', 'one']);
    resetHistory(memory);
    expect(questions()).toEqual([]);
    await loadHistory();
    expect(questions()).toEqual(['two', 'one']);
  });
  it('deletes one or all, and gives them back', async () => {
    for (const [index, question] of ['one', 'two', 'three'].entries()) await addToHistory(inspection(question), index);
    const ids = useInspectionHistory.getState().entries.map(({ id }) => id);
    await deleteFromHistory(ids.slice(1, 2));
    expect([questions(), disk.size]).toEqual([['three', 'one'], 2]);
    await undoDelete();
    expect([questions(), disk.size]).toEqual([['three', 'two', 'one'], 3]);
    await deleteFromHistory(ids);
    expect([questions(), disk.size]).toEqual([[], 0]);
    await undoDelete();
    expect(disk.size).toBe(3);
    await undoDelete();
    expect(questions()).toEqual(['three', 'two', 'one']);
  });
  it('forgets the oldest beyond its size, on the disk too', async () => {
    for (let index = 0; index <= MAX_HISTORY; index += 1) await addToHistory(inspection(String(index)), index);
    expect(questions()).toHaveLength(MAX_HISTORY);
    expect(disk.size).toBe(MAX_HISTORY);
    expect(questions()).not.toContain('0');
  });
  it('opens an entry with its results, and scores nothing by itself', async () => {
    await addToHistory(inspection('one'), 1);
    const id = useInspectionHistory.getState().entries[0]?.id ?? '';
    expect(await openFromHistory(id)).toBe(true);
    const { conversation, submission, origin } = useInspect.getState();
    expect(conversationTexts(conversation)).toEqual({ turns: ['one'], responses: firstExample.responses });
    expect([origin, wantsScoring(useInspect.getState())]).toEqual([{ kind: 'history', id }, false]);
    expect(recordingAt(submission?.recording)).toMatchObject({
      source: 'history',
      createdAt: '2026-11-24T10:00:00.000Z',
    });
    expect(await openFromHistory('none')).toBe(false);
  });
  it('says of an entry it cannot show why, and opens nothing', async () => {
    disk.set('x', {
      id: 'x',
      atMs: 1,
      file: { ...inspection('one'), results: [{ ...firstRecording.results[0]!, score: 9 }] },
    });
    await loadHistory();
    const before = useInspect.getState();
    expect(await openFromHistory('x')).toBe(false);
    expect(useInspect.getState()).toBe(before);
    expect(useInspectionHistory.getState().problem).toContain('results.0.score');
  });
  it('goes on without a place to keep things, and says so', async () => {
    resetHistory(refusing(new Error('A mutation operation was attempted on a database that did not allow mutations.')));
    await addToHistory(inspection('one'), 1);
    expect(questions()).toEqual(['one']);
    expect(useInspectionHistory.getState().problem).toContain('private window');
    const full = new DOMException('full', 'QuotaExceededError');
    resetHistory({ ...memory, put: () => Promise.reject(full) });
    await addToHistory(inspection('two'), 1);
    expect(questions()).toEqual(['two']);
    expect(useInspectionHistory.getState().problem).toContain('no space left');
  });
});
