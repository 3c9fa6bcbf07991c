/** What is kept on this machine: every package with its state, the room there is, and how safe it lies. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { formatBytes, formatQuantity } from '@/components/number-format.ts';
import { concerns, purgeKept, UNDO_MS } from '@/queries/kept-actions.ts';
import { canKeep, useKeptPackages, type KeptEntry } from '@/queries/kept-packages.ts';
import { keepStorage, storageQuery } from '@/queries/model-queries.ts';
import { usePackageJobs } from '@/queries/package-context.ts';
import { settle, useKeptTasks } from '@/state/kept-tasks.ts';
import { KeptPackageItem } from './kept-package-item.tsx';
import classes from './kept-panel.module.css';
import viewClasses from './models-view.module.css';

export function KeptPanel() {
  const packages = useKeptPackages();
  const entries = packages.data ?? [];
  usePurge(entries);
  return (
    <section className={`card ${viewClasses.card}`} aria-label="Kept on this machine">
      <h2>Kept on this machine</h2>
      {!canKeep() ? (
        <p className="muted small">
          This browser lets a page keep nothing here (it needs https, and not every private window allows it). Packages
          can still be opened from a folder or an address.
        </p>
      ) : null}
      {packages.error === null ? null : (
        <p role="alert" className={`${classes.broken} small`}>
          What is kept here cannot be read: {packages.error.message}
        </p>
      )}
      {canKeep() && entries.length === 0 ? (
        <p className="muted small">
          Nothing yet. <b>Keep here</b> saves a package from an address, <b>Keep on this machine</b> the one that is
          open. It then opens without being fetched again, also without a network, and faster than a folder. What
          arrives stays: a closed page goes on where it was.
        </p>
      ) : (
        <ul className={classes.packages} aria-label="Kept packages">
          {entries.map((entry) => (
            <KeptPackageItem key={entry.key} entry={entry} />
          ))}
        </ul>
      )}
      <Orphans entries={entries} />
      <Room entries={entries} />
    </section>
  );
}

/** Tasks and outcomes of packages that have no record yet: one that could not even be begun has none. */
function Orphans({ entries }: { readonly entries: readonly KeptEntry[] }) {
  const { tasks, outcomes } = useKeptTasks();
  const orphan = (each: { readonly target: string }) => !entries.some((entry) => concerns(each, entry));
  return (
    <>
      {tasks.filter(orphan).map((task) => (
        <p key={task.id} className="small" role="status">
          Reading the manifest of {task.target}.{' '}
          <button type="button" className={viewClasses.inline} onClick={task.cancel}>
            Cancel
          </button>
        </p>
      ))}
      {outcomes.filter(orphan).map(({ target, error }) =>
        error === undefined ? null : (
          <p key={target} role="alert" className={`${classes.broken} small`}>
            {error.message}{' '}
            <button type="button" className={viewClasses.inline} onClick={() => settle(target, undefined)}>
              Dismiss
            </button>
          </p>
        ),
      )}
    </>
  );
}

function Room({ entries }: { readonly entries: readonly KeptEntry[] }) {
  const client = useQueryClient();
  const { data: storage } = useQuery(storageQuery());
  const [refused, setRefused] = useState(false);
  if (storage === undefined || storage === null) return null;
  const { usageBytes, quotaBytes, persistent } = storage;
  const kept = entries.reduce((sum, { presentBytes }) => sum + presentBytes, 0);
  return (
    <p className="muted small numeric">
      {formatQuantity(entries.length, 'package')}, {formatBytes(kept)}
      {usageBytes === undefined || quotaBytes === undefined
        ? '. '
        : `; the browser would let this page have about ${formatBytes(Math.max(0, quotaBytes - usageBytes))} more. `}
      {persistent ? (
        'It has promised not to clear any of it by itself.'
      ) : (
        <>
          It may clear all of it when space runs out.{' '}
          <button
            type="button"
            className={viewClasses.inline}
            onClick={() => void keepStorage(client).then((granted) => setRefused(!granted))}
          >
            Ask it not to clear packages
          </button>
          <span role="status">{refused ? ' It declined; it decides by how often the page is used.' : ''}</span>
        </>
      )}
    </p>
  );
}

/** What was deleted before and could not be taken away then, because the page was closed or a tab had it open. */
function usePurge(entries: readonly KeptEntry[]): void {
  const jobs = usePackageJobs();
  const due = entries.some(({ deleted }) => deleted);
  useEffect(() => {
    if (!due) return undefined;
    const timer = setInterval(() => void purgeKept(jobs, UNDO_MS), UNDO_MS);
    return () => clearInterval(timer);
  }, [due, jobs]);
}
