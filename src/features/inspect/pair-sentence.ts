/**
 * The reasons in words. Every statement holds by construction and is tested as a property: who scores higher, which objective
 * moves the margin most and by what, what pulls the other way, what the correction for verbosity does, where the gate looks.
 */
import { formatPercent, formatSignificant, formatSigned } from '@/components/number-format.ts';
import type { PairReasons, Reason } from './pair-reasons.ts';

interface Names {
  readonly first: string;
  readonly second: string;
  /** By index. */
  readonly objectives: readonly string[];
}

export interface PairSentence {
  /** One sentence: who scores higher, and why. */
  readonly why: string;
  /** What the correction for verbosity changes, where the model has one. */
  readonly correction: string | undefined;
  /** Where the gate looks for this prompt. */
  readonly gate: string | undefined;
}

/** From this share on, one step is most of what speaks for the winner. */
const MOST = 0.5;

const figure = (value: number) => formatSigned(value, 3);

/**
 * @param tooClose margins no larger than this are within the package's own noise; `undefined` where it is not known.
 */
export function pairSentence(reasons: PairReasons, names: Names, tooClose: number | undefined): PairSentence {
  const { winner } = reasons;
  const [better, worse] = winner === 'second' ? [names.second, names.first] : [names.first, names.second];
  const name = (reason: Reason) => names.objectives[reason.index] ?? `objective ${reason.index + 1}`;
  return {
    why: whySentence(reasons, better, worse, name, tooClose),
    correction: correctionSentence(reasons, better, worse),
    gate:
      reasons.gateTop === undefined
        ? undefined
        : `For this prompt the gate weighs ${names.objectives[reasons.gateTop.index] ?? ''} most, with ${formatPercent(reasons.gateTop.share)} of its weight.`,
  };
}

function whySentence(
  reasons: PairReasons,
  better: string,
  worse: string,
  name: (reason: Reason) => string,
  tooClose: number | undefined,
): string {
  const { winner, margin, largest, next, against, largestShare } = reasons;
  if (largest === undefined || winner === undefined)
    return largest === undefined && against === undefined
      ? `${better} and ${worse} score the same, because no objective tells them apart.`
      : `${better} and ${worse} score exactly the same: what the objectives add and take away cancels out.`;
  const close = tooClose !== undefined && margin <= tooClose;
  const opening = close
    ? `${better} scores higher than ${worse} by so little that it is too close to call; what difference there is comes`
    : `${better} scores higher than ${worse},`;
  const because = largestShare >= MOST ? 'mostly because' : 'first of all because';
  const comes = largestShare >= MOST ? 'mostly from' : 'first of all from';
  const reason = close
    ? `${comes} ${name(largest)} (${figure(largest.step)})`
    : `${because} it ${rates(largest, name(largest))} (${figure(largest.step)} of a margin of ${figure(margin)})`;
  const also =
    next === undefined
      ? ''
      : ` and ${close ? 'from ' : ''}${close ? name(next) : rates(next, name(next))} (${figure(next.step)})`;
  const other =
    against === undefined
      ? 'nothing pulls the other way'
      : `${name(against)} pulls the other way most (${figure(against.step)})`;
  return capitalised(`${opening} ${reason}${also}; ${other}.`);
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What the winner's reward is like, and, where less of it is better, that it is. */
function rates({ winnerHigher }: Reason, name: string): string {
  return winnerHigher ? `rates higher on ${name}` : `rates lower on ${name}, which counts against a response here`;
}

function correctionSentence(
  { winner, margin, uncorrected }: PairReasons,
  better: string,
  worse: string,
): string | undefined {
  if (uncorrected === undefined || winner === undefined) return undefined;
  if (uncorrected < 0)
    return `Without the correction for verbosity ${worse} would score higher, by ${formatSignificant(-uncorrected, 3)}.`;
  if (uncorrected === 0) return `Without the correction for verbosity ${better} and ${worse} would score the same.`;
  const [with_, without] = [figure(margin), figure(uncorrected)];
  return with_ === without
    ? `The correction for verbosity changes next to nothing here: the margin would be ${without} without it.`
    : `The correction for verbosity ${margin > uncorrected ? 'widens' : 'narrows'} the margin from ${without} to ${with_}.`;
}
