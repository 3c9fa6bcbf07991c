/** Every open response with its rank and score, before and after; which two are compared is chosen here. */
import { formatSignificant, formatSigned, fullPrecision } from '@/components/number-format.ts';
import { ResponseLetter } from '@/components/response-letter.tsx';
import { setPair } from '@/state/steering-store.ts';
import type { SteerSubject, SubjectResponse } from './use-steer-subject.ts';
import classes from './ranking.module.css';

const EXCERPT = 90;

export function Ranking({ subject: { responses, first, second } }: { readonly subject: SteerSubject }) {
  const ranked = [...responses].sort((a, b) => a.steeredRank - b.steeredRank || a.index - b.index);
  const at = (response: SubjectResponse) => responses.indexOf(response);
  return (
    <div className={classes.container}>
      <table className={`${classes.table} numeric`} aria-label="Ranking">
        <thead>
          <tr>
            <th scope="col">Response</th>
            <th scope="col">Rank</th>
            <th scope="col">Score</th>
            <th scope="col">Baseline</th>
            <th scope="col">Change</th>
            <th scope="col">Compare</th>
          </tr>
        </thead>
        <tbody>
          {ranked.map((response) => (
            <tr key={response.letter}>
              <th scope="row">
                <span className={classes.response}>
                  <ResponseLetter index={response.index} />
                  <span className={classes.excerpt}>{excerpt(response)}</span>
                </span>
              </th>
              <td>
                {response.steeredRank}
                <RankChange response={response} />
              </td>
              <td title={fullPrecision(response.steered.score)}>
                {/* The two that are compared have theirs in the bar above. */}
                {response === first || response === second ? (
                  formatSignificant(response.steered.score)
                ) : (
                  <span
                    role="status"
                    aria-label={`Steered score of response ${response.letter}`}
                    title={fullPrecision(response.steered.score)}
                  >
                    {formatSignificant(response.steered.score)}
                  </span>
                )}
              </td>
              <td title={fullPrecision(response.baseline.score)}>{formatSignificant(response.baseline.score)}</td>
              <td title={fullPrecision(response.steered.score - response.baseline.score)}>
                {formatSigned(response.steered.score - response.baseline.score, 3)}
              </td>
              <td>
                <span className={classes.choose}>
                  <Choose
                    label={`Compare response ${response.letter} as first`}
                    words="1st"
                    on={response === first}
                    onChoose={() => setPair(at(response), second === undefined ? at(first) : at(second))}
                  />
                  <Choose
                    label={`Compare response ${response.letter} as second`}
                    words="2nd"
                    on={response === second}
                    onChoose={() => setPair(at(first), at(response))}
                  />
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Choose({
  label,
  on,
  words,
  onChoose,
}: {
  readonly label: string;
  readonly on: boolean;
  readonly words: string;
  readonly onChoose: () => void;
}) {
  return (
    <button type="button" aria-label={label} aria-pressed={on} onClick={onChoose}>
      {words}
    </button>
  );
}

function RankChange({ response: { baselineRank, steeredRank } }: { readonly response: SubjectResponse }) {
  if (baselineRank === steeredRank) return null;
  const up = steeredRank < baselineRank;
  return (
    <span className={up ? classes.up : classes.down}>
      {' '}
      {up ? '▲' : '▼'} from {baselineRank}
    </span>
  );
}

function excerpt({ letter, text }: SubjectResponse): string {
  if (text === undefined) return `Response ${letter}`;
  const line = text.trim().replaceAll(/\s+/g, ' ');
  return line.length > EXCERPT ? `${line.slice(0, EXCERPT).trimEnd()}…` : line;
}
