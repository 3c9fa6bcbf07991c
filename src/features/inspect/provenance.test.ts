import { describe, expect, it } from 'vitest';
import type { Recording } from '@/state/recordings.ts';
import { largestDrift, provenanceOf } from './provenance.ts';
import { testManifest, testResponse } from './test-model.ts';

const manifest = testManifest();
const scored = testResponse(manifest, 1);
const recording: Recording = {
  source: 'example',
  manifest,
  transform: new Float64Array(),
  packageSha256: '',
  provider: 'native',
  messages: [],
  scored: new Map([['text', scored]]),
};
const recorded = [{ text: 'text', recorded: true, scored }];
const live = [{ text: 'text', recorded: false, scored: { ...scored, score: scored.score + 2e-7 } }];

describe('where numbers come from', () => {
  it('is said of recorded ones, with what happens next', () => {
    const words = (status: 'loading' | 'ready' | 'failed', running = false) =>
      provenanceOf(recording, recorded, { status }, running);
    expect(words('loading')).toMatchObject({
      badge: 'Recorded',
      sentence: expect.stringMatching(/^Test model gave these numbers.*scored live as soon as/) as string,
    });
    expect(words('failed')?.sentence).toContain('nothing was scored on this device');
    expect(words('ready', true)?.sentence).toContain('being scored live now');
  });
  it('is said of a file’s with model, date and provider, and whether the model in use is another', () => {
    const file: Recording = { ...recording, source: 'file', createdAt: '2026-11-24T10:00:00Z', provider: 'wasm' };
    expect(provenanceOf(file, recorded, { status: 'ready', id: 'other@1' }, false)?.sentence).toMatch(
      /^test@000000000000 gave these numbers on .*2026.*running on wasm\. The model in use is other@1/,
    );
    expect(provenanceOf(file, recorded, { status: 'ready', id: manifest.id }, false)?.sentence).toContain(
      'again on this',
    );
  });
  it('is said of live ones with their distance from the recorded', () => {
    expect(provenanceOf(recording, live, { status: 'ready' }, false)).toEqual({
      badge: 'Live',
      sentence: 'Scored on this device just now; the recorded numbers differ by at most 2e−7.',
    });
    expect(provenanceOf(recording, [...live, ...recorded], { status: 'ready' }, true)?.badge).toBe('Partly live');
  });
  it('is not said where nothing was recorded or nothing is shown', () => {
    expect(provenanceOf(undefined, live, { status: 'ready' }, false)).toBeUndefined();
    expect(
      provenanceOf(recording, [{ text: 'x', recorded: false, scored: undefined }], { status: 'loading' }, false),
    ).toBeUndefined();
  });
  it('compares only what was recorded of the same text', () => {
    expect(largestDrift(recording, [{ text: 'other', recorded: false, scored }])).toBeUndefined();
    expect(largestDrift(recording, recorded)).toBe(0);
  });
});
