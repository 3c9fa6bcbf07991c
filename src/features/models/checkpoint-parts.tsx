/** What was chosen to be converted, part by part: what is there, what is missing, what may come on top. */
import type { ReactNode } from 'react';
import { FileButton } from '@/components/file-button.tsx';
import { formatBytes, formatQuantity } from '@/components/number-format.ts';
import {
  addGgufParts,
  chooseAdapter,
  chooseCheckpoint,
  chooseHeads,
  type CheckpointChoice,
  type ChosenFolder,
} from '@/state/checkpoint-choice.ts';
import { FolderButton } from './folder-input.tsx';
import { adapterFiles, ggufParts, pickedFolder } from './package-folder.ts';
import classes from './kept-panel.module.css';
import viewClasses from './models-view.module.css';

/** What a GGUF's conversion cannot do without and does not have yet. */
export function missingParts({ gguf, heads }: CheckpointChoice): string[] {
  if (gguf === undefined) return [];
  const has = (name: string): boolean => gguf.tokenizer.some(({ path }) => path === name);
  return [
    ...['tokenizer.json', 'tokenizer_config.json'].filter((name) => !has(name)),
    ...(heads === undefined ? ['a .safetensors file with the reward heads'] : []),
  ];
}

function folderText({ name, files }: ChosenFolder): string {
  const bytes = files.reduce((sum, { blob }) => sum + blob.size, 0);
  return `${name}: ${formatQuantity(files.length, 'file')}, ${formatBytes(bytes)}`;
}

interface PartProps {
  readonly name: string;
  readonly children: ReactNode;
  /** What the button says and does. */
  readonly action: string;
  readonly onAction: () => void;
}

function Part({ name, children, action, onAction }: PartProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="numeric">
        {children}.{' '}
        <button type="button" className={viewClasses.inline} onClick={onAction}>
          {action}
        </button>
      </dd>
    </div>
  );
}

interface Props {
  readonly choice: CheckpointChoice;
  readonly onProblem: (problem: string | undefined) => void;
}

/** The list of parts. Shown once there is one. */
export function CheckpointParts({ choice, onProblem }: Props) {
  const { chosen, gguf, heads, adapter } = choice;
  const missing = missingParts(choice);
  return (
    <>
      <dl className={viewClasses.facts} aria-label="What is converted">
        {chosen === undefined ? null : (
          <Part name="Checkpoint" action="Another one" onAction={() => chooseCheckpoint(undefined)}>
            {folderText(chosen)}
          </Part>
        )}
        {gguf === undefined ? null : (
          <Part name="Weights" action="Another one" onAction={() => chooseCheckpoint(undefined)}>
            {gguf.file.path}: {formatBytes(gguf.file.blob.size)}
          </Part>
        )}
        {gguf === undefined || gguf.tokenizer.length === 0 ? null : (
          <div>
            <dt>Tokenizer</dt>
            <dd>{gguf.tokenizer.map(({ path }) => path).join(', ')}</dd>
          </div>
        )}
        {heads === undefined ? null : (
          <Part name="Reward heads" action="Remove the heads" onAction={() => chooseHeads(undefined)}>
            {heads.path}: {formatBytes(heads.blob.size)}
          </Part>
        )}
        {adapter === undefined ? null : (
          <Part name="LoRA adapter" action="Remove the adapter" onAction={() => chooseAdapter(undefined)}>
            {folderText(adapter)}
          </Part>
        )}
      </dl>
      {missing.length === 0 ? null : (
        <p role="status" className={`${classes.broken} small`}>
          GGUF does not hold these: {missing.join(', ')}. Add them.
        </p>
      )}
      <PartButtons choice={choice} onProblem={onProblem} />
    </>
  );
}

function PartButtons({ choice: { gguf, heads, adapter }, onProblem }: Props) {
  return (
    <div className={viewClasses.row}>
      {gguf === undefined ? (
        heads === undefined ? (
          <FileButton
            label="Reward heads"
            accept=".safetensors"
            variant="default"
            onFiles={([file]) => chooseHeads({ path: file.name, blob: file })}
          >
            Heads from a file
          </FileButton>
        ) : null
      ) : (
        <FileButton
          label="Files beside the GGUF"
          accept=".json,.jinja,.safetensors"
          multiple
          variant="default"
          onFiles={(files) => addGgufParts(ggufParts(files.map((file) => ({ path: file.name, blob: file }))))}
        >
          Add tokenizer or heads
        </FileButton>
      )}
      {adapter === undefined ? (
        <FolderButton
          size="compact-sm"
          label="Adapter folder"
          onFiles={(list) => {
            const picked = adapterFiles(pickedFolder(list));
            if (picked !== undefined) chooseAdapter(picked);
            onProblem(
              picked === undefined
                ? 'This folder has no adapter_config.json with adapter_model.safetensors beside it, so it is no LoRA adapter that PEFT saved.'
                : undefined,
            );
          }}
        >
          Merge a LoRA adapter
        </FolderButton>
      ) : null}
    </div>
  );
}
