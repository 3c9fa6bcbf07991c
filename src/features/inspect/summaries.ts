/** One sentence for every chart, made of the numbers it draws. */
import { formatPercent, formatSignificant } from '@/components/number-format.ts';
import type { Manifest } from '@/formats/manifest.ts';
import type { GateSummary } from './attribution.ts';

interface Series {
  readonly name: string;
  readonly values: readonly number[];
}

function extreme(values: readonly number[], sign: 1 | -1): number {
  let best = 0;
  values.forEach((value, index) => {
    if (sign * value > sign * (values[best] ?? Number.NaN)) best = index;
  });
  return best;
}

/** Where each series is highest, or, for two, where they are furthest apart. */
export function radarSentence(view: string, names: readonly string[], series: readonly Series[]): string {
  const [first, second] = series;
  if (first === undefined) return `${view} rewards: nothing is drawn.`;
  if (series.length === 2 && second !== undefined) {
    const differences = first.values.map((value, index) => Math.abs(value - (second.values[index] ?? 0)));
    const widest = extreme(differences, 1);
    const higher = first.values.filter((value, index) => value > (second.values[index] ?? 0)).length;
    return (
      `${view} rewards: ${first.name} is higher on ${higher} of ${names.length} objectives; they differ most on ` +
      `${names[widest] ?? ''}, ${formatSignificant(first.values[widest] ?? 0, 3)} against ` +
      `${formatSignificant(second.values[widest] ?? 0, 3)}.`
    );
  }
  const tops = series.map((entry) => `${entry.name} on ${names[extreme(entry.values, 1)] ?? ''}`);
  return `${view} rewards are highest for ${tops.join(', for ')}.`;
}

/** Where the gate looks. */
export function gateSentence(manifest: Manifest, summary: GateSummary, weights: Float64Array): string {
  const top = summary.order
    .slice(0, 3)
    .map(
      (index) => `${manifest.objectives[index]?.name ?? index} (${formatPercent((weights[index] ?? 0) / summary.sum)})`,
    );
  return `For this prompt the gate weighs ${top.join(', ')} most.`;
}
