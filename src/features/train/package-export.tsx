/** The loaded model's package under a run's head, as a zip archive or into a folder: opened again in Models, it scores the same. */
import { Button } from '@mantine/core';
import { useRef, useState } from 'react';
import { saveFile } from '@/components/chart-picture.ts';
import { formatBytes } from '@/components/number-format.ts';
import type { LoadedModel } from '@/engine/api/messages.ts';
import { useEngine } from '@/queries/engine-context.ts';
import { packageOfRun, packageZip, writePackageFolder, type PackageParts } from '@/queries/export-package.ts';
import { useModelChoice } from '@/state/model-choice.ts';
import { trackWork } from '@/state/pending-work.ts';
import type { TrainingRunRecord } from '@/state/training-run.ts';
import classes from './train-view.module.css';

interface Props {
  readonly model: LoadedModel | undefined;
  readonly run: TrainingRunRecord;
  /** Whether the run's head is one for the loaded model. */
  readonly fits: boolean;
}

/** Not in every browser, and not in the type library. */
interface FolderPicker {
  showDirectoryPicker?(options: { mode: 'readwrite' }): Promise<FileSystemDirectoryHandle>;
}

type State =
  | { readonly kind: 'none' }
  | { readonly kind: 'running'; readonly words: string }
  | { readonly kind: 'done'; readonly words: string }
  | { readonly kind: 'failed'; readonly words: string };

export function PackageExport({ model, run, fits }: Props) {
  const engine = useEngine();
  const choice = useModelChoice((state) => state.choice);
  const [state, setState] = useState<State>({ kind: 'none' });
  const abort = useRef<AbortController>(undefined);
  const running = state.kind === 'running';

  async function make(finish: (parts: PackageParts) => Promise<string>): Promise<void> {
    if (model === undefined) return;
    const controller = new AbortController();
    abort.current = controller;
    setState({ kind: 'running', words: 'Computing the canaries under the new head …' });
    try {
      const parts = await packageOfRun(engine, model, choice, run, {
        signal: controller.signal,
        onProgress: (done, total) =>
          setState({ kind: 'running', words: `Checking and copying: ${formatBytes(done)} of ${formatBytes(total)}` }),
      });
      setState({ kind: 'done', words: await finish(parts) });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      setState(
        controller.signal.aborted
          ? { kind: 'none' }
          : { kind: 'failed', words: `The package could not be made: ${reason}` },
      );
    }
  }

  const saveZip = () =>
    make(async (parts) => {
      const { name, blob } = packageZip(parts);
      saveFile(name, blob);
      return `Saved as ${name}, ${formatBytes(blob.size)}. Unpack it, and open the folder in Models.`;
    });

  const picker: Window & FolderPicker = window;
  async function saveFolder(): Promise<void> {
    // Asked for before anything is computed: the browser opens the dialog only right after a click.
    const folder = await picker.showDirectoryPicker?.({ mode: 'readwrite' }).catch((cause: unknown) => {
      if (!(cause instanceof DOMException && cause.name === 'AbortError'))
        setState({ kind: 'failed', words: `No folder was opened: ${String(cause)}` });
      return undefined;
    });
    if (folder !== undefined)
      await make(async (parts) => `Written to the folder ${await writePackageFolder(parts, folder)}. Models opens it.`);
  }

  return (
    <>
      <div className={classes.row}>
        <Button
          size="compact-sm"
          variant="default"
          disabled={!fits || model === undefined || running}
          onClick={() => void trackWork(saveZip())}
        >
          Export package
        </Button>
        {picker.showDirectoryPicker === undefined ? null : (
          <Button
            size="compact-sm"
            variant="default"
            disabled={!fits || model === undefined || running}
            onClick={() => void trackWork(saveFolder())}
          >
            Export package to a folder…
          </Button>
        )}
        {running ? (
          <Button size="compact-sm" variant="default" onClick={() => abort.current?.abort()}>
            Cancel the export
          </Button>
        ) : null}
      </div>
      {state.kind === 'none' ? null : (
        <p
          className={state.kind === 'failed' ? `${classes.problem} small` : 'small'}
          role={state.kind === 'failed' ? 'alert' : 'status'}
          aria-label="Package"
        >
          {state.words}
        </p>
      )}
    </>
  );
}
