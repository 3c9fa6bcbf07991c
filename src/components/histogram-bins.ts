/** Counts in equal bins. Pure. */
import { niceScale } from './nice-scale.ts';
import { extent } from './plot-layout.ts';

export interface Bins {
  /** One more than there are counts, round numbers, ascending. */
  readonly edges: readonly number[];
  /** Per series: how many values lie in [edge, next edge); the outer bins also hold what rounding puts past the ends. NaN is in none. */
  readonly counts: readonly (readonly number[])[];
}

/** About `wanted` bins over all series together, so that they can be laid over each other. */
export function histogramBins(series: readonly ArrayLike<number>[], wanted = 24): Bins {
  const ends = extent(series.flatMap((values) => extent(Array.from(values))));
  const { ticks: edges, low, high } = niceScale(ends, wanted, false);
  const bins = edges.length - 1;
  const counts = series.map((values) => {
    const own = Array.from({ length: bins }, () => 0);
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (!Number.isFinite(value)) continue;
      let bin = Math.min(bins - 1, Math.max(0, Math.floor(((value - low) / (high - low)) * bins)));
      // Division may land a value on the other side of its edge.
      if (bin > 0 && value < edges[bin]!) bin -= 1;
      else if (bin < bins - 1 && value >= edges[bin + 1]!) bin += 1;
      own[bin] = own[bin]! + 1;
    }
    return own;
  });
  return { edges, counts };
}
