/**
 * Keyboard shortcuts as text, and what they match. Pure.
 *
 * `mod+k`: Control (Command on a Mac) and K. `g i`: G, then I. `?`: the character, however it is typed. Letters are lower case.
 */

/** The part of a KeyboardEvent that decides. */
export interface KeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

/** The steps of a shortcut, e.g. `['g', 'i']`. */
export function shortcutSteps(shortcut: string): readonly string[] {
  return shortcut.split(' ').filter((step) => step !== '');
}

/** True for a shortcut that a person could hit while typing text. */
export function isPlain(shortcut: string): boolean {
  return !shortcutSteps(shortcut).some((step) => step.startsWith('mod+'));
}

/** Whether one press is one step. `mac`: Command counts, not Control. */
export function matchesStep(step: string, press: KeyPress, mac: boolean): boolean {
  const mod = step.startsWith('mod+');
  const shift = step.includes('shift+');
  const key = step.slice(step.lastIndexOf('+') + 1);
  const pressed = press.key.length === 1 ? press.key.toLowerCase() : press.key;
  const wanted = key.length === 1 ? key : `${key.charAt(0).toUpperCase()}${key.slice(1)}`;
  if (pressed !== wanted || press.altKey) return false;
  if ((mac ? press.metaKey : press.ctrlKey) !== mod || (mac ? press.ctrlKey : press.metaKey)) return false;
  // Characters such as `?` need Shift on some keyboards and not on others: there only the character counts.
  const isLetterOrName = key.length > 1 || /[a-z]/.test(key);
  return !isLetterOrName || press.shiftKey === shift;
}

const names: Readonly<Record<string, string>> = { enter: 'Enter', escape: 'Esc', shift: 'Shift' };

/** How each step is shown, as the caps of its keys: `[['Ctrl', 'K']]`. */
export function shortcutCaps(shortcut: string, mac: boolean): readonly (readonly string[])[] {
  return shortcutSteps(shortcut).map((step) =>
    step.split('+').map((part) => {
      if (part === 'mod') return mac ? '⌘' : 'Ctrl';
      return names[part] ?? (part.length === 1 ? part.toUpperCase() : part);
    }),
  );
}

export type Matched<T> =
  | { readonly kind: 'run'; readonly item: T }
  /** The first step of a longer one was pressed. */
  | { readonly kind: 'prefix'; readonly step: string }
  | { readonly kind: 'none' };

/**
 * What a press means, given the step pressed before it (if that was recent). A press that does not continue what was begun
 * counts by itself.
 */
export function matchShortcut<T extends { readonly shortcut?: string | undefined }>(
  items: readonly T[],
  press: KeyPress,
  before: string | undefined,
  mac: boolean,
): Matched<T> {
  const withSteps = items.map((item) => ({ item, steps: shortcutSteps(item.shortcut ?? '') }));
  const continued = withSteps.find(
    ({ steps }) => steps.length === 2 && steps[0] === before && matchesStep(steps[1] ?? '', press, mac),
  );
  if (continued !== undefined) return { kind: 'run', item: continued.item };
  const alone = withSteps.find(({ steps }) => steps.length === 1 && matchesStep(steps[0] ?? '', press, mac));
  if (alone !== undefined) return { kind: 'run', item: alone.item };
  const begun = withSteps.find(({ steps }) => steps.length === 2 && matchesStep(steps[0] ?? '', press, mac));
  return begun === undefined ? { kind: 'none' } : { kind: 'prefix', step: begun.steps[0] ?? '' };
}
