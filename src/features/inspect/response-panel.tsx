/** Everything about one response: its score, where it was read, warnings, and the 19 numbers that make it up. */
import type { ReactNode } from 'react';
import type { Manifest } from '@/formats/manifest.ts';
import {
  formatDuration,
  formatQuantity,
  formatSignificant,
  formatSigned,
  fullPrecision,
} from '@/components/number-format.ts';
import { Notice } from '@/components/notice.tsx';
import { ObjectiveTable } from '@/components/objective-table.tsx';
import { ResponseLetter } from '@/components/response-letter.tsx';
import { WhenNear } from '@/components/when-near.tsx';
import { useModel } from '@/queries/model-queries.ts';
import { responseLetter } from '@/state/conversation.ts';
import { contributionSum } from './attribution.ts';
import { LazyResponseStory } from './lazy-analysis.tsx';
import type { EntryStatus, InspectionEntry } from './use-inspection.ts';
import { warningWords } from './warning-words.ts';
import classes from './response-panel.module.css';

interface Props {
  readonly index: number;
  readonly entry: InspectionEntry | undefined;
  readonly manifest: Manifest | undefined;
  readonly largestContribution: number;
}

const statusWords: Readonly<Record<EntryStatus, string>> = {
  unscored: 'Not scored yet',
  empty: 'Nothing to score',
  waiting: 'Waiting',
  scoring: 'Scoring…',
  cancelled: 'Cancelled',
  failed: 'Not scored',
  scored: '',
};

const explanations: Readonly<Record<EntryStatus, string>> = {
  unscored: 'Press Score, and every objective appears here with its weight and its share of the score.',
  empty: 'Write a response to see its objectives here; an empty one is left out.',
  waiting: 'The objectives appear here once the model has read this response.',
  scoring: 'The objectives appear here once the model has read this response.',
  cancelled: 'Press Score to start again; responses that were finished keep their results.',
  failed: 'A message on this page says why.',
  scored: '',
};

export function ResponsePanel({ index, entry, manifest, largestContribution }: Props) {
  const letter = responseLetter(index);
  const status = entry?.status ?? 'unscored';
  const scored = entry?.scored;
  const settled = useModel().status !== 'loading';
  return (
    <section
      className={`card ${classes.panel} ${entry?.stale === true ? (classes.stale ?? '') : ''}`}
      aria-label={`Response ${letter}`}
      aria-busy={status === 'scoring'}
    >
      <header className={classes.header}>
        <h2 className={classes.title}>
          <ResponseLetter index={index} />
          Response {letter}
        </h2>
        <div
          role="status"
          aria-label={`Score of response ${letter}`}
          className={scored === undefined ? classes.statusWords : `${classes.score} numeric`}
          title={scored === undefined ? undefined : fullPrecision(scored.score)}
        >
          {scored === undefined ? statusWords[status] : formatSignificant(scored.score)}
        </div>
      </header>
      {entry?.own === undefined || scored === undefined || scored === entry.own ? null : (
        <p className={`${classes.baseline} numeric small`}>
          <span className="muted">Model’s own head</span>{' '}
          <strong title={fullPrecision(entry.own.score)}>{formatSignificant(entry.own.score)}</strong>{' '}
          <span className="muted">change</span>{' '}
          <span title={fullPrecision(scored.score - entry.own.score)}>
            {formatSigned(scored.score - entry.own.score)}
          </span>
        </p>
      )}
      {entry?.stale === true ? (
        <p className={classes.staleNote}>The texts have changed since this score. Press Score to read them again.</p>
      ) : null}
      {entry === undefined || scored === undefined || manifest === undefined ? (
        <p className="muted small">{explanations[status]}</p>
      ) : (
        <WhenNear now={settled} placeholder={classes.scoredPlaceholder}>
          <Scored letter={letter} entry={entry} manifest={manifest} largestContribution={largestContribution} />
        </WhenNear>
      )}
    </section>
  );
}

function Scored({
  letter,
  entry,
  manifest,
  largestContribution,
}: {
  readonly letter: string;
  readonly entry: InspectionEntry;
  readonly manifest: Manifest;
  readonly largestContribution: number;
}) {
  const { scored, rows } = entry;
  if (scored === undefined) return undefined;
  const { tokens, timings, warnings } = scored;
  const sum = contributionSum(rows);
  const tookMs = timings.tokenizeMs + timings.backboneMs + timings.headsMs;
  return (
    <>
      {warnings.map((warning) => (
        <Notice key={warning.code} tone="warn" title={warningWords[warning.code]}>
          <p>{warning.message}</p>
        </Notice>
      ))}
      <LazyResponseStory manifest={manifest} scored={scored} letter={letter} />
      <ObjectiveTable
        label={`Objectives of response ${letter}`}
        rows={rows}
        largestContribution={largestContribution}
      />
      <p className={`${classes.sum} numeric`}>
        <span className="muted">The contributions c·r sum to the score: Σ =</span>{' '}
        <strong title={fullPrecision(sum)}>{formatSignificant(sum)}</strong>
      </p>
      <dl className={`${classes.facts} numeric small`}>
        <Fact name="Read">
          {formatQuantity(tokens.total, 'token')}: {tokens.prompt} prompt, {tokens.response} response
        </Fact>
        <Fact name="Gate read at">
          token {tokens.gateIndex} <TokenText text={tokens.gateToken} />
        </Fact>
        <Fact name="Scored at">
          token {tokens.scoredIndex} <TokenText text={tokens.scoredToken} />
        </Fact>
        {/* Recorded results took their time on another machine. */}
        {entry.recorded || tookMs === 0 ? null : (
          <Fact name="Took">
            {formatDuration(tookMs)}
            {tokens.reused > 0 ? `, ${formatQuantity(tokens.reused, 'token')} shared` : ''}
          </Fact>
        )}
      </dl>
    </>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** A token as text, with its invisible characters made visible. */
function TokenText({ text }: { readonly text: string }) {
  return <code className={classes.token}>{text.replaceAll('\n', '⏎').replaceAll(' ', '␣')}</code>;
}
