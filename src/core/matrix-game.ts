/**
 * Two-player zero-sum matrix games, solved exactly by the simplex method: max over mixtures g of the rows of min over columns of
 * Σ_i g_i payoff[i, b]. It is the small linear program behind "never wins" (`win-region.ts`).
 *
 * Both optimal mixtures come out, and each proves one side: the rows' mixture guarantees `lower`, the columns' mixture caps
 * every row at `upper`. Both are computed from the payoffs afterwards, so they hold whatever the pivots rounded.
 */
import { assert } from '@/base/assert.ts';

export interface GameSolution {
  /** min over columns of what `rowMixture` gets: the rows can be sure of it. */
  readonly lower: number;
  /**
   * max over rows of what they get against `columnMixture`: no row mixture gets more. Above `lower` by rounding alone: in two million
   * random games of nearly equal rows never by more than 1e-12 of the range. Both hold whatever the difference.
   */
  readonly upper: number;
  /** `[rows]`, ≥ 0, Σ = 1. */
  readonly rowMixture: Float64Array;
  /** `[columns]`, ≥ 0, Σ = 1. */
  readonly columnMixture: Float64Array;
}

/** Entering columns need a reduced cost beyond this; payoffs are scaled to 1 … 2 before. */
const costTolerance = 1e-13;
/** Never met in practice; after it the bounds are still true, only further apart. */
const maximumPivots = 100_000;
/** Bounds further apart than this, of the range, are not taken for rounding: another order is tried. */
const gapTolerance = 1e-12;
/** How often a vertex is made anew and left for a better one; once is what is met. */
const freshStarts = 4;
/** Pivots below this are rounding, not entries. */
const pivotTolerance = 1e-13;

/**
 * @param payoffs `[rows, columns]`, row-major, finite.
 * @throws AssertionError on an empty game or a wrong shape.
 */
export function solveMatrixGame(payoffs: Float64Array, rows: number, columns: number): GameSolution {
  assert(rows > 0 && columns > 0, 'a game needs a row and a column');
  assert(payoffs.length === rows * columns, () => `${payoffs.length} payoffs are not ${rows} × ${columns}`);
  let least = Infinity;
  let most = -Infinity;
  for (const payoff of payoffs) {
    least = Math.min(least, payoff);
    most = Math.max(most, payoff);
  }
  assert(Number.isFinite(least) && Number.isFinite(most), 'payoffs must be finite');
  const range = most > least ? most - least : 1;
  let best: GameSolution | undefined;
  for (const order of orders) {
    const found = solveInOrder(payoffs, rows, columns, order, least, range);
    // Each side is proven by its own mixture, wherever the other side comes from.
    const byRows = best === undefined || found.lower > best.lower ? found : best;
    const byColumns = best === undefined || found.upper < best.upper ? found : best;
    best = {
      lower: byRows.lower,
      upper: byColumns.upper,
      rowMixture: byRows.rowMixture,
      columnMixture: byColumns.columnMixture,
    };
    if (best.upper - best.lower <= gapTolerance * range) break;
  }
  return best!;
}

interface Order {
  readonly rowsReversed: boolean;
  readonly columnsReversed: boolean;
}

/**
 * Rows that are equal but for some 1e-13 make a pivot of what rounding left of their difference, and the mixtures are then far off. Met
 * in one of some hundred thousand games of such rows, and in another order the path leads past it.
 */
const orders: readonly Order[] = [
  { rowsReversed: false, columnsReversed: false },
  { rowsReversed: true, columnsReversed: false },
  { rowsReversed: false, columnsReversed: true },
  { rowsReversed: true, columnsReversed: true },
];

function solveInOrder(
  payoffs: Float64Array,
  rows: number,
  columns: number,
  { rowsReversed, columnsReversed }: Order,
  least: number,
  range: number,
): GameSolution {
  const payoff = (i: number, b: number) =>
    payoffs[(rowsReversed ? rows - 1 - i : i) * columns + (columnsReversed ? columns - 1 - b : b)]!;
  // Positive payoffs make the value positive, and the columns' program: max Σ y, P y ≤ 1, y ≥ 0, whose start y = 0 is feasible.
  const start = () => makeTableau(rows, columns, (i, b) => 1 + (payoff(i, b) - least) / range);
  let tableau = start();
  maximise(tableau);
  // Pivots carry what they rounded along: the way ends where its last vertex, made anew from the payoffs, is still the best.
  for (let again = 0; again < freshStarts; again++) {
    tableau = atVertex(start(), tableau.basis);
    if (maximise(tableau) === 0) break;
  }
  const { rowMixture, columnMixture } = mixturesOf(tableau);
  if (rowsReversed) rowMixture.reverse();
  if (columnsReversed) columnMixture.reverse();
  let lower = Infinity;
  for (let b = 0; b < columns; b++) {
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += rowMixture[i]! * payoffs[i * columns + b]!;
    lower = Math.min(lower, sum);
  }
  let upper = -Infinity;
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let b = 0; b < columns; b++) sum += columnMixture[b]! * payoffs[i * columns + b]!;
    upper = Math.max(upper, sum);
  }
  return { lower, upper, rowMixture, columnMixture };
}

interface Tableau {
  readonly rows: number;
  readonly columns: number;
  /** Entries of a row: `columns` variables y, `rows` slacks, the right-hand side. */
  readonly width: number;
  /** `[rows + 1, width]`; the last row holds the reduced costs, and −Σ y at its end. */
  readonly cells: Float64Array;
  /** Variable that each row stands for `[rows]`. */
  readonly basis: Int32Array;
}

function makeTableau(rows: number, columns: number, payoff: (i: number, b: number) => number): Tableau {
  const width = columns + rows + 1;
  const cells = new Float64Array((rows + 1) * width);
  for (let i = 0; i < rows; i++) {
    for (let b = 0; b < columns; b++) cells[i * width + b] = payoff(i, b);
    cells[i * width + columns + i] = 1;
    cells[i * width + width - 1] = 1;
  }
  cells.fill(1, rows * width, rows * width + columns);
  return { rows, columns, width, cells, basis: Int32Array.from({ length: rows }, (_, i) => columns + i) };
}

/** The tableau of another basis, straight from the start: one pivot for each of its variables, in the row where it is largest. */
function atVertex(tableau: Tableau, wanted: Int32Array): Tableau {
  const { rows, width, cells, basis } = tableau;
  const open = new Set(basis.keys());
  for (const variable of wanted) {
    let row = -1;
    for (const i of open)
      if (row < 0 || Math.abs(cells[i * width + variable]!) > Math.abs(cells[row * width + variable]!)) row = i;
    open.delete(row);
    pivot(cells, width, rows, row, variable);
    basis[row] = variable;
  }
  return tableau;
}

/**
 * Primal simplex with Bland's rule (the lowest index enters, the lowest of ties leaves), which cannot cycle but by rounding.
 * @returns pivots made.
 */
function maximise({ rows, width, cells, basis }: Tableau): number {
  const costs = rows * width;
  for (let pivots = 0; pivots < maximumPivots; pivots++) {
    let entering = 0;
    while (entering < width - 1 && cells[costs + entering]! <= costTolerance) entering++;
    if (entering === width - 1) return pivots;
    let leaving = -1;
    let ratio = Infinity;
    for (let i = 0; i < rows; i++) {
      const entry = cells[i * width + entering]!;
      if (entry <= pivotTolerance) continue;
      const candidate = cells[i * width + width - 1]! / entry;
      if (candidate < ratio || (candidate === ratio && basis[i]! < basis[leaving]!)) {
        ratio = candidate;
        leaving = i;
      }
    }
    // Σ y is bounded by 1 / the least payoff, so only rounding can leave no row; the bounds then say how good the mixtures are.
    if (leaving < 0) return pivots;
    pivot(cells, width, rows, leaving, entering);
    basis[leaving] = entering;
  }
  return maximumPivots;
}

function pivot(cells: Float64Array, width: number, rows: number, leaving: number, entering: number): void {
  const from = leaving * width;
  const scale = 1 / cells[from + entering]!;
  for (let at = 0; at < width; at++) cells[from + at] = cells[from + at]! * scale;
  cells[from + entering] = 1;
  for (let i = 0; i <= rows; i++) {
    const factor = cells[i * width + entering]!;
    if (i === leaving || factor === 0) continue;
    for (let at = 0; at < width; at++) cells[i * width + at] = cells[i * width + at]! - factor * cells[from + at]!;
    cells[i * width + entering] = 0;
  }
}

/** The columns' mixture is y, the rows' the prices of the slacks, both brought to Σ = 1. */
function mixturesOf({
  rows,
  columns,
  width,
  cells,
  basis,
}: Tableau): Pick<GameSolution, 'rowMixture' | 'columnMixture'> {
  const columnMixture = new Float64Array(columns);
  for (const [i, variable] of basis.entries())
    if (variable < columns) columnMixture[variable] = Math.max(0, cells[i * width + width - 1]!);
  const prices = cells.subarray(rows * width + columns, rows * width + columns + rows);
  const rowMixture = prices.map((price) => Math.max(0, -price));
  return { rowMixture: normalised(rowMixture), columnMixture: normalised(columnMixture) };
}

function normalised(weights: Float64Array): Float64Array {
  let sum = 0;
  for (const weight of weights) sum += weight;
  return weights.map((weight) => weight / sum);
}
