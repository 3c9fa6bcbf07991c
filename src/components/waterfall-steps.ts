/** The rows of a waterfall: the large steps by themselves, the small ones together, and where each begins and ends. Pure. */

export interface WaterfallStep {
  readonly key: string;
  readonly label: string;
  /** Of an objective: its marker stands before the label and gives the step its colour. */
  readonly group?: string;
  readonly value: number;
}

/** Key of the row that stands for all steps that are not shown by themselves. */
export const OTHERS_KEY = 'others';

/** Steps by falling size, the first `shown` by themselves and the rest added up in one row. All of them keep their sum. */
export function foldSteps(steps: readonly WaterfallStep[], shown: number): WaterfallStep[] {
  const sorted = [...steps].sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  // One step left over is shorter as itself.
  if (sorted.length <= shown + 1) return sorted;
  const rest = sorted.slice(shown);
  const value = rest.reduce((sum, step) => sum + step.value, 0);
  return [...sorted.slice(0, shown), { key: OTHERS_KEY, label: `${rest.length} others together`, value }];
}

export interface PlacedStep extends WaterfallStep {
  readonly from: number;
  readonly to: number;
}

/** Every step with the running total before and after it. */
export function placeSteps(start: number, steps: readonly WaterfallStep[]): PlacedStep[] {
  let total = start;
  return steps.map((step) => {
    const from = total;
    total += step.value;
    return { ...step, from, to: total };
  });
}
