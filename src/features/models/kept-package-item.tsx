/** One package kept on this machine: its state to the chunk, what is being done to it, what can be. */
import { Button } from '@mantine/core';
import { useRef } from 'react';
import { formatBytes } from '@/components/number-format.ts';
import { concerns, deleteKept, keepSource, openKept, undoDelete, verifyKept } from '@/queries/kept-actions.ts';
import type { KeptEntry } from '@/queries/kept-packages.ts';
import { usePackageJobs } from '@/queries/package-context.ts';
import { useKeptTasks } from '@/state/kept-tasks.ts';
import { usePackageNews } from '@/state/package-news.ts';
import { ByteProgress } from './byte-progress.tsx';
import { deletedWords, fileStateWords, keptSourceWords, keptStateWords } from './kept-words.ts';
import { FolderInput } from './folder-input.tsx';
import { packageFiles, pickedFolder } from './package-folder.ts';
import classes from './kept-panel.module.css';
import viewClasses from './models-view.module.css';

const phaseWords = {
  save: { now: 'Saving', during: 'saving' },
  verify: { now: 'Verifying', during: 'verifying' },
  convert: { now: 'Converting', during: 'converting' },
} as const;

export function KeptPackageItem({ entry }: { readonly entry: KeptEntry }) {
  const jobs = usePackageJobs();
  const { name, state, busy } = entry;
  const task = useKeptTasks(({ tasks }) => tasks.find((each) => concerns(each, entry)));
  const outcome = useKeptTasks(({ outcomes }) => outcomes.find((each) => concerns(each, entry)));
  const news = usePackageNews(({ active }) => active[entry.key]);
  const working = busy || task !== undefined;
  if (entry.deleted)
    return (
      <li>
        <p className="small" role="status">
          {deletedWords(entry)}{' '}
          <button type="button" className={viewClasses.inline} onClick={() => void undoDelete(jobs, entry)}>
            Undo
          </button>
        </p>
      </li>
    );
  return (
    <li>
      <div className={classes.nameRow}>
        <span className={classes.name}>{name}</span>
        <span className={`${classes[state] ?? ''} small numeric`}>{keptStateWords(entry)}</span>
      </div>
      <p className="muted small">
        {keptSourceWords(entry)}
        {entry.verifiedAt === undefined || state === 'partial'
          ? ''
          : `; read and compared ${new Date(entry.verifiedAt).toLocaleString()}`}
      </p>
      {working && news !== undefined ? (
        <ByteProgress
          headline={`${phaseWords[news.phase].now} ${name}${task === undefined ? ' in another tab' : ''}`}
          doneBytes={news.doneBytes}
          totalBytes={news.totalBytes}
          bytesPerSecond={news.bytesPerSecond}
          at={news.file}
          cancelLabel={`Cancel ${phaseWords[news.phase].during} ${name}`}
          onCancel={task?.cancel}
        />
      ) : null}
      {busy && task === undefined && news === undefined ? (
        <p className="small">Another tab of this page is working on it.</p>
      ) : null}
      {outcome?.error === undefined ? null : (
        <p role="alert" className={`${classes.broken} small`}>
          {outcome.error.message}
        </p>
      )}
      {outcome?.message === undefined ? null : (
        <p role="status" className="small">
          {outcome.message}
        </p>
      )}
      {!working && entry.source.kind === 'conversion' && state !== 'whole' ? (
        <p className="small">
          {state === 'broken'
            ? 'Delete it and convert the checkpoint again.'
            : 'Convert the same checkpoint again, with the same precision: it goes on after the last whole stage.'}
        </p>
      ) : null}
      {working ? null : <Tools entry={entry} />}
      <details>
        <summary>Its files</summary>
        <table className={viewClasses.files} aria-label={`Files of ${name} on this machine`}>
          <thead>
            <tr>
              <th scope="col">File</th>
              <th scope="col">State</th>
              <th scope="col">Here</th>
            </tr>
          </thead>
          <tbody>
            {entry.files.map((file) => (
              <tr key={file.file}>
                <th scope="row">
                  <code>{file.file}</code>
                </th>
                <td className={classes[file.state]}>{fileStateWords(file)}</td>
                <td className="numeric">
                  {file.presentBytes === file.bytes
                    ? formatBytes(file.bytes)
                    : `${formatBytes(file.presentBytes)} of ${formatBytes(file.bytes)}`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </li>
  );
}

function Tools({ entry }: { readonly entry: KeptEntry }) {
  const jobs = usePackageJobs();
  const { name, state, source } = entry;
  const fillLabel = state === 'broken' ? 'Repair' : 'Resume';
  const picker = useRef<HTMLInputElement>(null);
  return (
    <div className={classes.tools}>
      {state === 'whole' ? (
        <Button
          size="compact-sm"
          variant="default"
          aria-label={`Open ${name}, kept here`}
          onClick={() => openKept(entry)}
        >
          Open
        </Button>
      ) : source.kind === 'conversion' ? null : (
        <Button
          size="compact-sm"
          aria-label={`${fillLabel} ${name}`}
          onClick={() => {
            if (source.kind === 'url') void keepSource(jobs, source);
            else picker.current?.click();
          }}
        >
          {source.kind === 'url' ? fillLabel : `${fillLabel} from its folder`}
        </Button>
      )}
      {source.kind === 'folder' && state !== 'whole' ? (
        <FolderInput
          ref={picker}
          label={`Folder of ${name}`}
          onFiles={(list) => {
            const picked = pickedFolder(list);
            void keepSource(jobs, { kind: 'files', name: source.name, files: (packageFiles(picked) ?? picked).files });
          }}
        />
      ) : null}
      <Button
        size="compact-sm"
        variant="default"
        aria-label={`Verify ${name}`}
        onClick={() => void verifyKept(jobs, entry)}
      >
        Verify
      </Button>
      <Button
        size="compact-sm"
        variant="default"
        aria-label={`Delete ${name}`}
        onClick={() => void deleteKept(jobs, entry)}
      >
        Delete
      </Button>
    </div>
  );
}
