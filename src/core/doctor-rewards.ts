/** The doctor on rewards: the transform's shape (armorm.md I5), names and count of the objectives, the regression, rounding. */
import { ARMORM_OBJECTIVES } from './armorm-objectives.ts';
import { figure, listed, type DoctorFacts, type DoctorFinding } from './doctor-findings.ts';
import { deadObjectives } from './gate-health.ts';

/** Differences of the published checkpoint between two stacks, in HelpSteer units (armorm.md "Published numbers"). */
export const crossStackNoise = 0.03;
/** What a device may differ by, of the largest output (the tolerance of a load's proof). */
const deviceNoise = 1e-3;
/** ArmoRM's verbosity (armorm.md, list of objectives). */
const armormVerbosity = 4;

export function rewardFindings(facts: DoctorFacts): DoctorFinding[] {
  return [transform(facts), objectives(facts), regression(facts), rounding(facts)];
}

function transform(facts: DoctorFacts): DoctorFinding {
  const { head, verbosityDimensions } = facts;
  const about = { code: 'transform', subject: 'Transform M' } as const;
  const k = head.objectives;
  const at = (row: number, column: number): number => head.transform[row * k + column] ?? 0;
  const name = (j: number): string => facts.objectives[j]?.name ?? `objective ${j}`;
  const dead = deadObjectives(head.transform, k);
  const penalties: number[] = [];
  const columns = new Set<number>();
  const rows = new Set<number>();
  const oddDiagonal: number[] = [];
  for (let row = 0; row < k; row++) {
    for (let column = 0; column < k; column++)
      if (row !== column && at(row, column) !== 0) {
        penalties.push(-at(row, column));
        rows.add(row);
        columns.add(column);
      }
    // A debiased dimension may also be taken from itself: 1 − λ.
    if (at(row, row) !== 1 && !dead.includes(row) && !verbosityDimensions.includes(row)) oddDiagonal.push(row);
  }
  if (penalties.length === 0 && oddDiagonal.length === 0)
    return {
      ...about,
      severity: 'note',
      found: dead.length === 0 ? 'It is the identity.' : 'It is the identity but for zero columns.',
      meaning: 'Nothing is corrected: scores follow length as far as the rewards do.',
    };
  if (columns.size === 1 && rows.size > 1) {
    const [column = 0] = columns;
    return {
      ...about,
      severity: 'warning',
      found: `Its entries off the diagonal are in one column, of ${name(column)}, and in ${rows.size} rows: it looks transposed.`,
      meaning:
        'Eq 2 takes one objective from all others; this M takes all others from one, and corrects none of them for length.',
    };
  }
  if (oddDiagonal.length > 0 || rows.size > k / 2)
    return {
      ...about,
      severity: 'warning',
      found:
        oddDiagonal.length > 0
          ? `Its diagonal is not 1 for ${listed(oddDiagonal.map(name))}, but ${listed(oddDiagonal.map((j) => figure(at(j, j))))}.`
          : `${rows.size} of ${k} objectives are taken from others.`,
      meaning: 'It is not the form of Eq 2. Scores are computed with it as it is; a penalty cannot be read off it.',
    };
  const negative = penalties.filter((penalty) => penalty < 0).length;
  return {
    ...about,
    severity: negative > 0 ? 'note' : 'fine',
    found:
      `${listed(verbosityDimensions.map(name))} ${verbosityDimensions.length === 1 ? 'is' : 'are'} taken from the others with λ from ${figure(Math.min(...penalties))} to ` +
      `${figure(Math.max(...penalties))}${negative > 0 ? `; negative for ${negative} of ${penalties.length}` : ''}.`,
    meaning:
      negative > 0
        ? 'A negative λ adds what the others subtract: these objectives were found to fall with it.'
        : 'Rewards are corrected as in Eq 2 of the paper.',
  };
}

function objectives(facts: DoctorFacts): DoctorFinding {
  const { head, verbosityDimensions, checkpoint } = facts;
  const about = { code: 'objectives', subject: 'Objectives' } as const;
  const k = head.objectives;
  const names = facts.objectives.map(({ name }) => name);
  const namesFrom = checkpoint?.namesFrom;
  if (names.length !== k)
    return {
      ...about,
      severity: 'error',
      found: `${names.length} names for ${k} rewards.`,
      meaning: 'Every name may stand at another objective’s number.',
    };
  const isArmorm = k === ARMORM_OBJECTIVES.length && ARMORM_OBJECTIVES.every(({ name }, j) => names[j] === name);
  if (isArmorm && verbosityDimensions.length > 0 && !verbosityDimensions.includes(armormVerbosity))
    return {
      ...about,
      severity: 'warning',
      found: `M takes ${listed(verbosityDimensions.map((j) => names[j] ?? String(j)))} from the others, not ${names[armormVerbosity]}.`,
      meaning: 'The objectives may be in another order than ArmoRM’s: scores are right, names may be wrong.',
    };
  if (namesFrom === 'none' || (namesFrom === undefined && names.every((name) => /^objective-\d+$/.test(name))))
    return {
      ...about,
      severity: 'note',
      found: `${k}, with numbers for names: the checkpoint carries none, and no file gave any.`,
      meaning: 'Scores are right; what each reward measures is not said.',
    };
  if (namesFrom === 'count')
    return {
      ...about,
      severity: 'note',
      found: `${k}, named ${isArmorm ? 'as ArmoRM’s' : 'as those of the published model with as many'}: the checkpoint carries no names.`,
      meaning: 'Scores do not depend on names. If this model has objectives of its own, give them at conversion.',
    };
  return {
    ...about,
    severity: 'fine',
    found: isArmorm ? 'ArmoRM’s 19, in its order.' : `${k}, each with a name.`,
    meaning: 'Every reward stands under its name.',
  };
}

function regression({ head, objectives: named }: DoctorFacts): DoctorFinding {
  const about = { code: 'regression', subject: 'Regression' } as const;
  const { objectives: k, featureSize: d, regression: w } = head;
  const name = (j: number): string => named[j]?.name ?? `objective ${j}`;
  const rows = Array.from({ length: k }, (_, j) => w.subarray(j * d, (j + 1) * d));
  const zero = rows.flatMap((row, j) => (row.every((value) => value === 0) ? [j] : []));
  if (zero.length > 0)
    return {
      ...about,
      severity: zero.length === k ? 'error' : 'warning',
      found: zero.length === k ? `All ${k} rows are zero.` : `The row of ${listed(zero.map(name))} is zero.`,
      meaning: zero.length === k ? 'Every score is zero.' : 'That reward is always zero, whatever the text.',
    };
  const twins = rows.flatMap((row, j) => {
    const first = rows.findIndex((other) => other.every((value, i) => value === row[i]));
    return first < j ? [`${name(j)} = ${name(first)}`] : [];
  });
  if (twins.length > 0)
    return {
      ...about,
      severity: 'warning',
      found: `Two rows are the same: ${listed(twins)}.`,
      meaning: 'These rewards are always equal, so one of them counts twice.',
    };
  return {
    ...about,
    severity: 'fine',
    found: `${k} different rows of ${d}, none zero.`,
    meaning: 'Every reward says something of its own.',
  };
}

function rounding({ dtype, texts: all, objectives: named }: DoctorFacts): DoctorFinding {
  const about = { code: 'rounding', subject: 'Rounding' } as const;
  const texts = all.flatMap(({ rewards, referenceRewards }) =>
    referenceRewards === undefined ? [] : [{ rewards, referenceRewards }],
  );
  if (texts.length === 0 && all.length > 0)
    return {
      ...about,
      severity: 'note',
      found: `Stored as ${dtype}; these heads were put in without the unrounded weights at hand.`,
      meaning: 'How far rounding moves their rewards is not known.',
    };
  const errors = texts.map(({ rewards, referenceRewards }) =>
    rewards.map((reward, j) => Math.abs(reward - (referenceRewards[j] ?? Number.NaN))),
  );
  const worst = Math.max(0, ...errors.flat());
  const native = errors.flatMap((of) =>
    of.flatMap((error, j) => {
      const scale = named[j]?.nativeScale?.scale;
      return scale === undefined ? [] : [error * Math.abs(scale)];
    }),
  );
  if (native.length === 0) {
    const scale = Math.max(...texts.flatMap(({ referenceRewards }) => referenceRewards.map((r) => Math.abs(r))), 0.1);
    const small = worst <= deviceNoise * scale;
    return {
      ...about,
      severity: small ? 'fine' : 'note',
      found: `Stored as ${dtype}; rewards move by up to ${figure(worst)} on ${texts.length} texts.`,
      meaning: small
        ? 'That is less than two devices may differ.'
        : 'No objective has a published scale to hold that against: look at margins against the model’s noise.',
    };
  }
  const largest = Math.max(...native);
  const inBand = largest <= crossStackNoise;
  return {
    ...about,
    severity: inBand ? 'fine' : 'warning',
    found:
      `Stored as ${dtype}; ratings move by up to ${figure(largest)} on ${texts.length} texts ` +
      `(two correct implementations differ by up to ${crossStackNoise}).`,
    meaning: inBand
      ? 'Rounding moves scores no more than another correct implementation would.'
      : 'Rounding moves scores more than another correct implementation would: look at margins against the model’s noise.',
  };
}
