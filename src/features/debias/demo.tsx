/** "Verbosity bias in five steps": a lesson on the embedded model, whose every number is the page's own at that moment. */
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, type ReactNode } from 'react';
import { Panel } from '@/components/panel.tsx';
import { formatPercent, formatQuantity } from '@/components/number-format.ts';
import { residualOf } from '@/core/debias-correction.ts';
import { spearman } from '@/core/rank-correlation.ts';
import { columnOf } from '@/core/debias-report.ts';
import { authorsRhoThreshold, transformFromPenalties } from '@/core/debias.ts';
import { applyTransform } from '@/queries/debias-apply.ts';
import { measuredClaimQuery } from '@/queries/debias-measured.ts';
import { chooseDebias, useDebias } from '@/state/debias-store.ts';
import { openExample } from '@/state/examples.ts';
import { activateVariant } from '@/state/head-variants.ts';
import { trackWork } from '@/state/pending-work.ts';
import { effectOf } from './effect-panel.tsx';
import type { DebiasSubject } from './use-debias.ts';
import { formatRange, formatRho } from './words.ts';
import classes from './debias-view.module.css';

const titles = [
  'Longer looks better',
  'Does saying it twice pay?',
  'What to subtract',
  'Put it in force',
  'Length or quality?',
] as const;

/** The example of the second step: one answer that says everything it has to say once. */
const exampleName = 'said-twice';

export function Demo({ subject }: { readonly subject: DebiasSubject }) {
  const step = useDebias((state) => state.step);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (step !== undefined) heading.current?.focus({ preventScroll: true });
  }, [step]);
  if (step === undefined)
    return (
      <div>
        <Button size="compact-sm" variant="light" onClick={() => begin()}>
          Verbosity bias in five steps
        </Button>
      </div>
    );
  const [Content = First] = [[First, Second, Third, Fourth, Fifth][step]];
  return (
    <Panel name="Verbosity bias in five steps" className={`${classes.panel} ${classes.demo}`}>
      <div className={classes.between}>
        <h2>Verbosity bias in five steps</h2>
        <Button size="compact-sm" variant="subtle" onClick={() => chooseDebias({ step: undefined })}>
          Close
        </Button>
      </div>
      <ol className={classes.steps}>
        {titles.map((title, index) => (
          <li key={title}>
            <button
              type="button"
              aria-current={index === step ? 'step' : undefined}
              onClick={() => chooseDebias({ step: index })}
            >
              {index + 1}. {title}
            </button>
          </li>
        ))}
      </ol>
      <h3 ref={heading} tabIndex={-1}>
        {step + 1}. {titles[step]}
      </h3>
      <Content subject={subject} />
      <div className={classes.line}>
        <Button
          size="compact-sm"
          variant="default"
          disabled={step === 0}
          onClick={() => chooseDebias({ step: step - 1 })}
        >
          Back
        </Button>
        {step < titles.length - 1 ? (
          <Button size="compact-sm" onClick={() => chooseDebias({ step: step + 1 })}>
            Next
          </Button>
        ) : (
          <Button size="compact-sm" onClick={() => chooseDebias({ step: undefined })}>
            Finish
          </Button>
        )}
      </div>
    </Panel>
  );
}

/** The lesson begins where everybody's does: the embedded set, exact roots, full strength, the model's own verbosity. */
function begin(): void {
  chooseDebias({
    step: 0,
    source: undefined,
    method: 'exact',
    scale: 1,
    verbosity: undefined,
    objective: undefined,
    statistic: 'spearman',
  });
}

interface StepProps {
  readonly subject: DebiasSubject;
}

function First({ subject }: StepProps) {
  const { reference, objectives, verbosity } = subject;
  const { set } = reference;
  const k = objectives.length;
  const { mean, largest, objective } = residualOf(set, set.rewards);
  const v = columnOf(set.rewards, k, verbosity);
  const withLength = set.responseTokens === undefined ? undefined : spearman(v, Float64Array.from(set.responseTokens));
  return (
    <Words>
      <p>
        The model judges every answer on {k} objectives. One of them, {objectives[verbosity]?.name}, is meant to say how
        much detail there is.{' '}
        {withLength === undefined
          ? ''
          : `On ${formatQuantity(v.length, 'answer')} it is little else than length: its rank correlation with the number of tokens is ${formatRho(withLength)}.`}
      </p>
      <p>
        Look at the others: on average their |ρ| with it is {formatRho(mean)}, and that of{' '}
        {objectives[objective ?? 0]?.name} is {formatRho(largest)}. In the scatter every dot is an answer, and the line
        rises. A model that was trained to raise these rewards would learn to write more.
      </p>
    </Words>
  );
}

function Second() {
  const ask = async () => {
    chooseDebias({ sweep: undefined });
    if (await openExample(exampleName)) chooseDebias({ sweep: 'A' });
    show('Length sweep');
  };
  return (
    <Words>
      <p>
        Take one answer about a houseplant. Cut it after each sentence, then make it longer by saying its own sentences
        again. The padding adds nothing. Does the score rise?
      </p>
      <div>
        <Button size="compact-sm" variant="light" onClick={() => void trackWork(ask())}>
          Sweep the example’s answer
        </Button>
      </div>
      <p>
        In the length sweep below, the dashed line is the score without correction (M = I), the solid one the score
        under the head in use. Where the dashed line rises, length alone is paid for. It need not rise: the embedded
        model has also been taught that padding is worse, by other objectives. Either way the two slopes differ by
        exactly what the correction takes from verbosity, which the chart’s note shows.
      </p>
    </Words>
  );
}

function Third({ subject: { penalties, objectives } }: StepProps) {
  const missed = penalties.filter(({ grid }) => grid !== undefined && !grid.found);
  const negative = penalties.filter(
    ({ grid }) => grid !== undefined && grid.found && grid.spearman < -authorsRhoThreshold,
  );
  const above = penalties.filter(({ exact }) => exact !== undefined && exact.penalty > 1);
  const below = penalties.filter(({ exact }) => exact !== undefined && exact.penalty < 0);
  const names = (rows: typeof penalties) => rows.map(({ objective }) => objectives[objective]?.name ?? '').join(', ');
  return (
    <Words>
      <p>
        The paper subtracts a share of the verbosity reward from every other: r′ = r − λ r<sub>v</sub>, with λ chosen so
        that the rank correlation of r′ with r<sub>v</sub> is zero. That correlation falls in steps as λ grows, so there
        is one exact crossing; the table of penalties has it for each objective
        {above.length === 0 ? '' : `, above 1 for ${names(above)}`}
        {below.length === 0 ? '' : `, below 0 for ${names(below)}`}.
      </p>
      <p>
        The authors’ script tries 24 values instead.{' '}
        {missed.length === 0 ? 'Here one of them fits every objective' : `Here none fits ${names(missed)}`}
        {negative.length === 0 ? '.' : `, and ${names(negative)} keeps a negative correlation.`} Choose another method
        in the panel Correction to compare what is left.
      </p>
    </Words>
  );
}

function Fourth({ subject }: StepProps) {
  const { active, correction, objectives, reference } = subject;
  const before = effectOf(reference, transformFromPenalties(objectives.length, []));
  const after = effectOf(reference, correction.transform);
  const { id } = active.owner.manifest;
  const put = (transform: Float64Array, name: string, note: string) =>
    void trackWork(applyTransform(active, transform, name, note));
  return (
    <Words>
      <p>
        With the correction the objectives’ mean |ρ| with verbosity goes from {formatRho(before.mean)} to{' '}
        {formatRho(after.mean)}, and the score’s ρ with length from {formatRho(before.scoreWithLength)} to{' '}
        {formatRho(after.scoreWithLength)}. Each objective is at zero by itself; the score, which a gate mixes from them
        prompt by prompt, need not be.
      </p>
      <div className={classes.line}>
        <Button
          size="compact-sm"
          variant="light"
          onClick={() =>
            put(
              transformFromPenalties(objectives.length, []),
              'No correction',
              'M is the identity: nothing is subtracted of verbosity.',
            )
          }
        >
          Use no correction
        </Button>
        <Button
          size="compact-sm"
          variant="light"
          onClick={() => put(correction.transform, 'Debiased in five steps', `Exact penalties on ${reference.name}.`)}
        >
          Use this correction
        </Button>
        <Button size="compact-sm" variant="default" onClick={() => activateVariant(id, undefined)}>
          Back to the model’s own
        </Button>
      </div>
      <p>
        Every view follows: the sweep’s solid line, the scores in <a href="#/inspect">Inspect</a>, the ranking in{' '}
        <a href="#/steer">Steer</a>. Try both and look at the same two answers.
      </p>
    </Words>
  );
}

function Fifth({ subject: { active } }: StepProps) {
  const measured = useQuery(measuredClaimQuery());
  const report = measured.data?.model === active.owner.manifest.id ? measured.data : undefined;
  return (
    <Words>
      <p>
        Longer answers are often better, so a correction might take away quality with length. Pairs of about equal
        length tell: there length cannot help. Read the last table of the panel “What it costs”: it has the pairs
        written for this page.
      </p>
      {report === undefined ? null : (
        <p>
          Measured once on {formatQuantity(report.claim.pairs, 'preference pair')} whose prompts this model never
          trained on: the score’s ρ with length goes from {formatRho(report.claim.uncorrected.scoreWithLength)} to{' '}
          {formatRho(report.claim.corrected.scoreWithLength)}; on the{' '}
          {formatQuantity(report.claim.matchedPairs, 'pair')} within {100 * report.claim.matchedTolerance} % in length
          the accuracy goes from {formatPercent(report.claim.uncorrected.matched.accuracy)} to{' '}
          {formatPercent(report.claim.corrected.matched.accuracy)}. The difference is{' '}
          {formatRho(100 * report.claim.matchedAccuracy.value)} points, and its 95 % interval (
          {formatRange({
            low: 100 * report.claim.matchedAccuracy.interval.low,
            high: 100 * report.claim.matchedAccuracy.interval.high,
          })}
          ) {report.claim.matchedAccuracy.interval.high >= 0 ? 'holds zero' : 'lies below zero'}.
        </p>
      )}
    </Words>
  );
}

function Words({ children }: { readonly children: ReactNode }) {
  return <div className={classes.words}>{children}</div>;
}

/** Brings a panel of the view into sight. */
function show(panel: string): void {
  document.querySelector(`section[aria-label="${panel}"]`)?.scrollIntoView({ block: 'nearest' });
}
