/** What was chosen or dropped to be converted. Its files are readable only as long as the page is open. */
import { create } from 'zustand';
import type { PickedFile } from './model-choice.ts';

export interface ChosenFolder {
  readonly name: string;
  readonly files: readonly PickedFile[];
}

/** A GGUF file with what GGUF does not hold; any of it may come later. */
export interface ChosenGguf {
  readonly file: PickedFile;
  readonly tokenizer: readonly PickedFile[];
}

export interface CheckpointChoice {
  /** A checkpoint folder. Either it or a GGUF file. */
  readonly chosen: ChosenFolder | undefined;
  readonly gguf: ChosenGguf | undefined;
  /** Reward heads for a model that brings none. */
  readonly heads: PickedFile | undefined;
  /** A LoRA adapter's folder, merged into whatever is converted. */
  readonly adapter: ChosenFolder | undefined;
  /** It was dropped or opened as a package, so the person may not expect what is offered. */
  readonly offered: boolean;
}

const nothing: CheckpointChoice = {
  chosen: undefined,
  gguf: undefined,
  heads: undefined,
  adapter: undefined,
  offered: false,
};

export const useCheckpointChoice = create<CheckpointChoice>(() => nothing);

/** A folder in place of whatever was chosen before; `undefined` chooses nothing. */
export function chooseCheckpoint(chosen: ChosenFolder | undefined): void {
  useCheckpointChoice.setState({ ...nothing, chosen });
}

/** Chooses a checkpoint that was given where a package was meant. */
export function offerCheckpoint(chosen: ChosenFolder): void {
  useCheckpointChoice.setState({ ...nothing, chosen, offered: true });
}

export function chooseAdapter(adapter: ChosenFolder | undefined, offered = false): void {
  useCheckpointChoice.setState({ adapter, offered });
}

export function chooseHeads(heads: PickedFile | undefined): void {
  useCheckpointChoice.setState({ heads });
}

/** What of loose files a GGUF's conversion takes. */
export interface GgufParts {
  readonly file?: PickedFile;
  readonly tokenizer: readonly PickedFile[];
  readonly heads?: PickedFile;
}

/** Adds to the GGUF that is chosen, or begins with another one. Without a `.gguf` among them and none chosen, nothing happens. */
export function addGgufParts({ file, tokenizer, heads }: GgufParts, offered = false): void {
  useCheckpointChoice.setState(({ gguf, heads: before, adapter }) => {
    const base = file ?? gguf?.file;
    if (base === undefined) return {};
    const names = new Set(tokenizer.map(({ path }) => path));
    return {
      chosen: undefined,
      gguf: {
        file: base,
        tokenizer: [...(gguf?.tokenizer ?? []).filter(({ path }) => !names.has(path)), ...tokenizer],
      },
      heads: heads ?? before,
      adapter,
      offered,
    };
  });
}
