/** The result, in sight while sliders move: both scores and the margin, each with its baseline and its change. */
import { formatSignificant, formatSigned, fullPrecision } from '@/components/number-format.ts';
import { ResponseLetter } from '@/components/response-letter.tsx';
import type { SteerSubject, SubjectResponse } from './use-steer-subject.ts';
import classes from './result-bar.module.css';

interface Props {
  readonly subject: SteerSubject;
  /** Groups of the loaded set whose winner changed. */
  readonly flips: { readonly count: number; readonly groups: number } | undefined;
}

export function ResultBar({ subject: { first, second }, flips }: Props) {
  return (
    <section className={classes.bar} aria-label="Result">
      <Score response={first} />
      {second === undefined ? null : (
        <>
          <Score response={second} />
          <Margin first={first} second={second} />
        </>
      )}
      {flips === undefined ? null : (
        <div className={classes.cell}>
          <span className={classes.label}>Flips in the set</span>
          <span role="status" aria-label="Flips in the set" className={`${classes.value} numeric`}>
            {flips.count}
          </span>
          <span className={`${classes.was} numeric`}>of {flips.groups} groups</span>
        </div>
      )}
    </section>
  );
}

function Score({ response: { letter, index, baseline, steered } }: { readonly response: SubjectResponse }) {
  return (
    <div className={classes.cell}>
      <span className={classes.label}>
        <ResponseLetter index={index} /> <span className={classes.wide}>Response {letter}</span>
      </span>
      <Steered name={`Steered score of response ${letter}`} value={steered.score} format={formatSignificant} />
      <Was baseline={baseline.score} steered={steered.score} format={formatSignificant} />
    </div>
  );
}

function Margin({ first, second }: { readonly first: SubjectResponse; readonly second: SubjectResponse }) {
  const baseline = first.baseline.score - second.baseline.score;
  const steered = first.steered.score - second.steered.score;
  return (
    <>
      <div className={classes.cell}>
        <span className={classes.label}>
          <span className={classes.wide}>Margin</span> {first.letter} − {second.letter}
        </span>
        <Steered name="Steered margin" value={steered} format={formatSigned} />
        <Was baseline={baseline} steered={steered} format={formatSigned} />
      </div>
      <p className={classes.verdict}>{verdict(first, second, baseline, steered)}</p>
    </>
  );
}

function winnerOf(first: SubjectResponse, second: SubjectResponse, margin: number): string | undefined {
  return margin > 0 ? first.letter : margin < 0 ? second.letter : undefined;
}

function verdict(first: SubjectResponse, second: SubjectResponse, baseline: number, steered: number): string {
  const before = winnerOf(first, second, baseline);
  const now = winnerOf(first, second, steered);
  if (now === undefined) return before === undefined ? 'Both score the same.' : 'A tie: neither wins now.';
  if (now === before) return steered === baseline ? `${now} wins.` : `${now} still wins.`;
  return before === undefined ? `${now} wins now.` : `Flipped: ${now} wins now, ${before} did before.`;
}

type Format = (value: number, digits?: number) => string;

function Steered({ name, value, format }: { readonly name: string; readonly value: number; readonly format: Format }) {
  return (
    <span role="status" aria-label={name} title={fullPrecision(value)} className={`${classes.value} numeric`}>
      {format(value)}
    </span>
  );
}

function Was({
  baseline,
  steered,
  format,
}: {
  readonly baseline: number;
  readonly steered: number;
  readonly format: Format;
}) {
  const change = steered - baseline;
  return (
    <span className={`${classes.was} numeric`} title={`baseline ${fullPrecision(baseline)}`}>
      {change === 0 ? 'baseline' : `was ${format(baseline)}, ${formatSigned(change, 3)}`}
    </span>
  );
}
