import { describe, expect, it } from 'vitest';
import { isPlain, matchesStep, matchShortcut, shortcutCaps, type KeyPress } from './shortcut-keys.ts';

function press(key: string, held: Partial<KeyPress> = {}): KeyPress {
  return { key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held };
}

describe('matchesStep', () => {
  it('wants Control here and Command on a Mac, and nothing besides', () => {
    expect(matchesStep('mod+k', press('k', { ctrlKey: true }), false)).toBe(true);
    expect(matchesStep('mod+k', press('K', { ctrlKey: true }), false)).toBe(true);
    expect(matchesStep('mod+k', press('k', { metaKey: true }), false)).toBe(false);
    expect(matchesStep('mod+k', press('k', { metaKey: true }), true)).toBe(true);
    expect(matchesStep('mod+k', press('k', { ctrlKey: true, altKey: true }), false)).toBe(false);
    expect(matchesStep('mod+k', press('k'), false)).toBe(false);
    expect(matchesStep('k', press('k', { ctrlKey: true }), false)).toBe(false);
    expect(matchesStep('mod+shift+z', press('Z', { ctrlKey: true, shiftKey: true }), false)).toBe(true);
    expect(matchesStep('mod+z', press('Z', { ctrlKey: true, shiftKey: true }), false)).toBe(false);
  });
  it('takes a character however the keyboard makes it, and named keys by name', () => {
    expect(matchesStep('?', press('?', { shiftKey: true }), false)).toBe(true);
    expect(matchesStep('?', press('?'), false)).toBe(true);
    expect(matchesStep('mod+enter', press('Enter', { ctrlKey: true }), false)).toBe(true);
    expect(matchesStep('i', press('I', { shiftKey: true }), false)).toBe(false);
  });
});

describe('matchShortcut', () => {
  const items = [{ shortcut: 'g i' }, { shortcut: 'g m' }, { shortcut: '?' }, {}];
  it('runs a single key, begins a sequence, and ends it', () => {
    expect(matchShortcut(items, press('?'), undefined, false)).toEqual({ kind: 'run', item: { shortcut: '?' } });
    expect(matchShortcut(items, press('g'), undefined, false)).toEqual({ kind: 'prefix', step: 'g' });
    expect(matchShortcut(items, press('m'), 'g', false)).toEqual({ kind: 'run', item: { shortcut: 'g m' } });
    expect(matchShortcut(items, press('m'), undefined, false)).toEqual({ kind: 'none' });
  });
  it('lets a press that continues nothing count by itself', () => {
    expect(matchShortcut(items, press('?'), 'g', false)).toMatchObject({ kind: 'run' });
    expect(matchShortcut(items, press('g'), 'g', false)).toEqual({ kind: 'prefix', step: 'g' });
    expect(matchShortcut(items, press('x'), 'g', false)).toEqual({ kind: 'none' });
  });
});

it('shows shortcuts as the keys a person sees', () => {
  expect(shortcutCaps('mod+shift+z', false)).toEqual([['Ctrl', 'Shift', 'Z']]);
  expect(shortcutCaps('mod+k', true)).toEqual([['⌘', 'K']]);
  expect(shortcutCaps('g i', false)).toEqual([['G'], ['I']]);
  expect([isPlain('g i'), isPlain('?'), isPlain('mod+enter')]).toEqual([true, true, false]);
});
