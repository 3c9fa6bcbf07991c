/** Converts a checkpoint in the page into a package kept on this machine: a folder, a GGUF file, an address or a hub's repository. */
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useState } from 'react';
import { FileButton } from '@/components/file-button.tsx';
import type { CheckpointSource, ConversionRequest } from '@/jobs/api/packages.ts';
import { convertCheckpointHere } from '@/queries/kept-actions.ts';
import { canKeep } from '@/queries/kept-packages.ts';
import { usePackageJobs } from '@/queries/package-context.ts';
import { addGgufParts, chooseCheckpoint, useCheckpointChoice } from '@/state/checkpoint-choice.ts';
import { useKeptTasks } from '@/state/kept-tasks.ts';
import { FolderButton } from './folder-input.tsx';
import { CheckpointParts, missingParts } from './checkpoint-parts.tsx';
import { checkpointFiles, ggufParts, pickedFolder } from './package-folder.ts';
import classes from './kept-panel.module.css';
import viewClasses from './models-view.module.css';

const precisions: readonly { readonly value: ConversionRequest['dtype']; readonly label: string }[] = [
  { value: 'q4', label: 'q4: 5.1 bits a weight' },
  { value: 'q8', label: 'q8: 8 bits a weight' },
  { value: 'f16', label: 'f16: 16 bits a weight' },
  { value: 'f32', label: 'f32: as the model computes' },
];

const defaultHub = 'https://huggingface.co';

export function ConvertPanel() {
  const jobs = usePackageJobs();
  const choice = useCheckpointChoice();
  const { chosen, gguf, heads, adapter } = choice;
  const converting = useKeptTasks(({ tasks }) => tasks.some(({ kind }) => kind === 'convert'));
  const [dtype, setDtype] = useState<ConversionRequest['dtype']>('q4');
  const [hub, setHub] = useState({ id: '', token: '', address: defaultHub });
  const [problem, setProblem] = useState<string>();
  const id = hub.id.trim();
  const chosenHere = chosen !== undefined || gguf !== undefined;
  const isAddress = /^https?:\/\//.test(id);
  const source = ((): CheckpointSource | undefined => {
    if (chosen !== undefined) return { kind: 'files', ...chosen };
    if (gguf !== undefined) return { kind: 'gguf', ...gguf };
    if (isAddress) return URL.canParse(id) ? { kind: 'url', url: id } : undefined;
    return id === ''
      ? undefined
      : { kind: 'hub', id, hub: hub.address.trim(), ...(hub.token === '' ? {} : { token: hub.token }) };
  })();
  return (
    <section className={`card ${viewClasses.card}`} aria-label="Convert a checkpoint">
      <h2>Convert a checkpoint</h2>
      <p className="muted small">
        A Llama-family reward model with ArmoRM’s heads, as Hugging Face has it: <code>config.json</code>,{' '}
        <code>*.safetensors</code>, tokenizer; or a Llama’s <code>.gguf</code> with heads from a file of their own. It
        is read matrix by matrix and becomes a package kept on this machine, the one that <code>npm run convert</code>{' '}
        writes.
      </p>
      <div className={viewClasses.row}>
        <FolderButton
          size="compact-md"
          label="Checkpoint folder"
          disabled={!canKeep()}
          onFiles={(list) => {
            const picked = checkpointFiles(pickedFolder(list));
            chooseCheckpoint(picked);
            setProblem(
              picked === undefined
                ? 'This folder has no config.json with *.safetensors beside it, so it is no checkpoint. Choose the folder that has.'
                : undefined,
            );
          }}
        >
          Choose a checkpoint folder
        </FolderButton>
        <FileButton
          label="GGUF file"
          accept=".gguf,.json,.jinja,.safetensors"
          multiple
          size="compact-md"
          variant="default"
          disabled={!canKeep()}
          onFiles={(files) => {
            const parts = ggufParts(files.map((file) => ({ path: file.name, blob: file })));
            addGgufParts(parts);
            setProblem(
              parts.file === undefined && gguf === undefined
                ? 'There is no .gguf file among these. Choose it; its tokenizer and heads can be chosen with it or added after.'
                : undefined,
            );
          }}
        >
          Choose a GGUF file
        </FileButton>
      </div>
      {problem === undefined ? null : (
        <p role="alert" className={`${classes.broken} small`}>
          {problem}
        </p>
      )}
      {chosenHere ? null : (
        <>
          <TextInput
            label="Or its id on the hub"
            placeholder="owner/name, owner/name@revision or https://…"
            value={hub.id}
            disabled={!canKeep()}
            onChange={(event) => setHub({ ...hub, id: event.currentTarget.value })}
          />
          {id === '' || isAddress ? null : (
            <>
              <TextInput
                type="password"
                label="Access token"
                description="Only for models that ask for one. It goes to the hub alone and is forgotten with this page."
                autoComplete="off"
                value={hub.token}
                onChange={(event) => setHub({ ...hub, token: event.currentTarget.value })}
              />
              <TextInput
                label="Hub"
                inputMode="url"
                value={hub.address}
                onChange={(event) => setHub({ ...hub, address: event.currentTarget.value })}
              />
            </>
          )}
        </>
      )}
      {chosenHere || id !== '' || heads !== undefined || adapter !== undefined ? (
        <CheckpointParts choice={choice} onProblem={setProblem} />
      ) : null}
      <div className={viewClasses.address}>
        <NativeSelect
          label="Precision of the weights"
          data={[...precisions]}
          value={dtype}
          onChange={(event) => {
            const next = precisions.find(({ value }) => value === event.currentTarget.value);
            if (next !== undefined) setDtype(next.value);
          }}
        />
        <Button
          disabled={source === undefined || converting || missingParts(choice).length > 0}
          onClick={() => {
            if (source === undefined) return;
            void convertCheckpointHere(jobs, {
              source,
              dtype,
              ...(heads === undefined ? {} : { heads }),
              ...(adapter === undefined ? {} : { adapter }),
            });
          }}
        >
          Convert
        </Button>
      </div>
      <p className="muted small">
        {converting
          ? 'It is being converted; its progress is above, under what is kept on this machine.'
          : 'It can be cancelled, and the same checkpoint then goes on after the last whole stage, also after a reload.'}
      </p>
    </section>
  );
}
