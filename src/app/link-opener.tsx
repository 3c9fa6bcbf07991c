/** Opens what the address asks for, when the page opens and whenever the fragment changes; says what does not fit. */
import { Button } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useHashLocation } from 'wouter/use-hash-location';
import { Notice } from '@/components/notice.tsx';
import { useModel } from '@/queries/model-queries.ts';
import { useInspect, type Origin } from '@/state/inspect-store.ts';
import { chooseModel, useModelChoice } from '@/state/model-choice.ts';
import { dismissLink, linkMismatch, openFromQuery, useOpenedLink } from '@/state/opened-link.ts';
import classes from './shell.module.css';

export function LinkOpener() {
  // wouter's hash location keeps the query of the fragment in the path.
  const [address, navigate] = useHashLocation();
  const [path = '/', query = ''] = address.split('?');
  const [opened, setOpened] = useState('');
  useEffect(() => {
    let latest = true;
    void openFromQuery(query).then(() => {
      if (latest) setOpened(query);
    });
    return () => {
      latest = false;
    };
  }, [query]);
  // Once the page shows something else, the address must not say that it shows the link; reloading would lose the edits twice over.
  const departed = useInspect(({ pristine, origin }) => !pristine || origin?.kind !== originOf(query));
  useEffect(() => {
    if (departed && query !== '' && opened === query && originOf(query) !== undefined)
      navigate(path, { replace: true });
  }, [departed, query, opened, path, navigate]);
  return <LinkNotice />;
}

/** What the conversation's origin is while the page shows what the query asked for. */
function originOf(query: string): Origin['kind'] | undefined {
  const parameters = new URLSearchParams(query);
  if (parameters.has('s')) return 'link';
  return parameters.has('example') ? 'example' : undefined;
}

function LinkNotice() {
  const { link, problem, importProblem } = useOpenedLink();
  const model = useModel();
  const choice = useModelChoice((state) => state.choice);
  const mismatch =
    link === undefined
      ? undefined
      : linkMismatch(link, choice, model.status === 'ready' ? model.model : undefined, document.baseURI);
  if (problem === undefined && mismatch === undefined && importProblem === undefined) return undefined;
  const refused = problem?.message ?? importProblem;
  const offer = refused === undefined ? mismatch?.offer : undefined;
  const title =
    problem !== undefined
      ? 'The link was not opened'
      : importProblem !== undefined
        ? 'The file was not opened'
        : 'A link made with another model';
  return (
    <div className={classes.problem}>
      <Notice tone={refused === undefined ? 'plain' : 'warn'} title={title}>
        <p>{refused ?? mismatch?.message}</p>
        <div className={classes.actions}>
          {offer === undefined ? null : (
            <Button size="compact-sm" onClick={() => chooseModel(offer)}>
              Load that model
            </Button>
          )}
          <Button size="compact-sm" variant="default" onClick={dismissLink}>
            Dismiss
          </Button>
        </div>
      </Notice>
    </div>
  );
}
