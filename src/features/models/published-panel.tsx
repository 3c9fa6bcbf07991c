/** The model card's one example, scored here, with its numbers beside ours. Only for packages of the published shape. */
import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { ErrorNotice } from '@/components/error-notice.tsx';
import { Notice } from '@/components/notice.tsx';
import { formatSigned, formatSignificant } from '@/components/number-format.ts';
import {
  publishedModel,
  publishedPrompt,
  publishedResponse,
  whyNotPublished,
  type PublishedComparison,
} from '@/core/published-example.ts';
import { EngineError } from '@/engine/api/errors.ts';
import type { LoadedModel } from '@/engine/api/messages.ts';
import { useEngine } from '@/queries/engine-context.ts';
import { scorePublishedExample } from '@/queries/published-example.ts';
import { reloadModel } from '@/state/model-choice.ts';
import { trackWork } from '@/state/pending-work.ts';
import classes from './models-view.module.css';

const verdicts: Readonly<
  Record<PublishedComparison['verdict'], { tone: 'good' | 'plain' | 'bad'; title: string; words: string }>
> = {
  agrees: {
    tone: 'good',
    title: 'Agrees with the model card',
    words: 'Every number is within what two correct implementations differ by.',
  },
  rounding: {
    tone: 'plain',
    title: 'Agrees, within this package’s rounding',
    words:
      'Some numbers are further off than two correct implementations would be, but no further than the weights’ rounding explains.',
  },
  differs: {
    tone: 'bad',
    title: 'Differs from the model card',
    words:
      'Rounding does not explain it: these are not the published weights, or they were converted wrongly. Look at the checkpoint doctor first.',
  },
};

export function PublishedPanel({ model }: { readonly model: LoadedModel }) {
  const engine = useEngine();
  const reason = whyNotPublished(model.manifest);
  const run = useMutation({
    mutationFn: () => trackWork(scorePublishedExample(engine, model.manifest)),
  });
  return (
    <section className={`card ${classes.card}`} aria-label="Published example">
      <h2>Published example</h2>
      {reason === undefined ? (
        <>
          <p className="muted small">
            The card of {publishedModel} gives numbers for one answer, “{publishedResponse}”, to “{publishedPrompt}”.
          </p>
          <div>
            <Button size="compact-sm" variant="default" loading={run.isPending} onClick={() => run.mutate()}>
              Compare with the model card
            </Button>
          </div>
          {run.error === null ? null : <ErrorNotice error={EngineError.from(run.error)} onReload={reloadModel} />}
          {run.data === undefined ? null : <Result comparison={run.data} />}
        </>
      ) : (
        <p className="muted small">Not for this package. {reason}</p>
      )}
    </section>
  );
}

function Result({ comparison: { rows, verdict } }: { readonly comparison: PublishedComparison }) {
  const { tone, title, words } = verdicts[verdict];
  return (
    <>
      <Notice tone={tone} title={title}>
        <p>{words}</p>
      </Notice>
      {/* Wide tables scroll inside their frame, so it must be reachable by keyboard. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={classes.scroll} tabIndex={0} role="group" aria-label="Numbers of the published example">
        <table className={`${classes.figures} numeric`}>
          <thead>
            <tr>
              <th scope="col">Number</th>
              <th scope="col">Model card</th>
              <th scope="col">Here</th>
              <th scope="col">Difference</th>
              <th scope="col">Two stacks</th>
              <th scope="col">Rounding here</th>
              <th scope="col">People</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, unit, published, ours, band, rounding, human }) => (
              <tr key={`${unit} ${name}`}>
                <th scope="row">
                  {name}, {unit}
                </th>
                <td className={classes.right}>{formatSignificant(published)}</td>
                <td className={classes.right}>{formatSignificant(ours)}</td>
                <td className={classes.right}>{formatSigned(ours - published)}</td>
                <td className={classes.right}>± {formatSignificant(band)}</td>
                <td className={classes.right}>± {formatSignificant(rounding)}</td>
                <td className={classes.right}>{human ?? ''}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
