/** What else the manifest says: the canaries with both their references, the template and its tokens, and the manifest as it is. */
import { useState, type ReactNode } from 'react';
import { formatErrorBound, formatQuantity, formatSignificant, fullPrecision } from '@/components/number-format.ts';
import type { LoadedModel } from '@/engine/api/messages.ts';
import classes from './models-view.module.css';

type Manifest = LoadedModel['manifest'];

/** Its content is made when it is first opened: a manifest is long, and most people never look. */
function Part({ title, children }: { readonly title: string; readonly children: () => ReactNode }) {
  const [opened, setOpened] = useState(false);
  return (
    <details className={classes.part} onToggle={(event) => setOpened(opened || event.currentTarget.open)}>
      <summary>{title}</summary>
      {opened ? <div className={classes.partBody}>{children()}</div> : null}
    </details>
  );
}

function Code({ label, children }: { readonly label: string; readonly children: string }) {
  return (
    // A region that scrolls has to be reached by keyboard.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <pre className={classes.notice} role="region" aria-label={label} tabIndex={0}>
      {children}
    </pre>
  );
}

export function ManifestPanel({ manifest }: { readonly manifest: Manifest }) {
  const { canaries, tokens, gate } = manifest;
  return (
    <>
      <Part title={`${formatQuantity(canaries.length, 'canary', 'canaries')}: texts whose results are known`}>
        {() => <Canaries canaries={canaries} />}
      </Part>
      <Part title="Template and special tokens">
        {() => (
          <>
            <dl className={`${classes.facts} numeric`}>
              <div>
                <dt>Scored token</dt>
                <dd>the last one, id {tokens.endOfTurnId} (end of turn)</dd>
              </div>
              <div>
                <dt>Beginning of sequence</dt>
                <dd>{tokens.bosId === undefined ? 'none in this family' : `id ${tokens.bosId}, exactly once`}</dd>
              </div>
              {gate.rule.kind === 'last-pattern' ? (
                <div>
                  <dt>The gate reads at</dt>
                  <dd>
                    the start of the last <code>{gate.rule.text.replaceAll('\n', '\\n')}</code> (ids{' '}
                    {gate.rule.tokenIds.join(', ')})
                  </dd>
                </div>
              ) : null}
            </dl>
            <Code label="Chat template">{tokens.chatTemplate}</Code>
          </>
        )}
      </Part>
      <Part title="The manifest as it is">
        {() => <Code label="Manifest">{JSON.stringify(manifest, undefined, 2)}</Code>}
      </Part>
    </>
  );
}

function Canaries({ canaries }: { readonly canaries: Manifest['canaries'] }) {
  return (
    <>
      <p className="muted small">
        Own: the score of these very weights on the converter’s CPU, which this device had to reproduce. Reference: the
        score of the unquantised weights; the difference is what the quantisation changed. It is not known where heads
        were replaced without those weights.
      </p>
      <table className={classes.files} aria-label="Canaries">
        <thead>
          <tr>
            <th scope="col">Text</th>
            <th scope="col">Tokens</th>
            <th scope="col">Own</th>
            <th scope="col">Reference</th>
            <th scope="col">Difference</th>
          </tr>
        </thead>
        <tbody>
          {canaries.map(({ messages, tokenIds, own, reference }, index) => (
            <tr key={index}>
              <th scope="row">{excerpt(messages.at(-1)?.content ?? '')}</th>
              <td className="numeric">{tokenIds.length}</td>
              <td className="numeric" title={fullPrecision(own.score)}>
                {formatSignificant(own.score)}
              </td>
              <td className="numeric" title={reference === undefined ? undefined : fullPrecision(reference.score)}>
                {reference === undefined ? 'not known' : formatSignificant(reference.score)}
              </td>
              <td className="numeric">
                {reference === undefined ? 'not known' : formatErrorBound(Math.abs(own.score - reference.score))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function excerpt(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= 90 ? line : `${line.slice(0, 88).trimEnd()} …`;
}
