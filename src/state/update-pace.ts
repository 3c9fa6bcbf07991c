/**
 * How often what changes many times a second is shown: a page that draws every change spends its time on that alone, and no press of
 * a button gets through. The dearer drawing is, the rarer it gets.
 */

/** Runs `update` soon, at most once however often it is asked before that. */
export type Pace = (update: () => void) => void;

/** Every change at once: for tests. */
export const everyChange: Pace = (update) => update();

/** Between two updates at least `leastMs`, and three times as long as the page needed for the last one. @param now ms, monotonic */
export function steadyPace(leastMs: number, now: () => number = () => performance.now()): Pace {
  let next: (() => void) | undefined;
  let earliest = -Infinity;
  return (update) => {
    const asked = next !== undefined;
    next = update;
    if (asked) return;
    const show = () => {
      const began = now();
      const run = next;
      next = undefined;
      earliest = began + leastMs;
      run?.();
      // Reached once the page has drawn.
      setTimeout(() => (earliest = now() + Math.max(leastMs, 3 * (now() - began))), 0);
    };
    setTimeout(show, Math.max(0, earliest - now()));
  };
}
