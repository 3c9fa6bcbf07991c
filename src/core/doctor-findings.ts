/**
 * What the checkpoint doctor says, and what it is told: plain data, the same at conversion and at load.
 */
import type { RewardHead } from './reward-head.ts';

/**
 * `fine`: looked at and as it should be. `note`: true of this checkpoint and good to know. `warning`: scores may not mean what
 * they seem to. `error`: scores are wrong.
 */
export type DoctorSeverity = 'fine' | 'note' | 'warning' | 'error';

export type DoctorCode =
  | 'bos'
  | 'end-of-turn'
  | 'generation-prompt'
  | 'gate-position'
  | 'gate-sum'
  | 'gate-varies'
  | 'gate-trained'
  | 'gate-mask'
  | 'dead-mass'
  | 'transform'
  | 'objectives'
  | 'regression'
  | 'rounding'
  | 'layers'
  | 'stored-form'
  | 'tied-embedding'
  | 'unused-tensors'
  | 'ignored-keys';

export interface DoctorFinding {
  readonly code: DoctorCode;
  readonly severity: DoctorSeverity;
  /** What was looked at, two or three words. */
  readonly subject: string;
  /** What was found, with numbers. */
  readonly found: string;
  /** What it means for scores. */
  readonly meaning: string;
}

/** One text of known outputs, as this package's template and tokenizer read it. */
export interface DoctorText {
  readonly tokens: number;
  /** BOS tokens in it, and whether the first token is one; 0 and false without a `bosId`. */
  readonly bosCount: number;
  readonly startsWithBos: boolean;
  /** Whether the first token is the one that the tokenizer calls BOS; `undefined` where it names none. */
  readonly startsWithNamedBos: boolean | undefined;
  readonly lastIsEndOfTurn: boolean;
  /** What the template wrote after the response's end of turn. */
  readonly cutText: string;
  readonly gateIndex: number;
  /** The gate reads a sequence of its own, the rendered prompt. */
  readonly gateReadsOwnSequence: boolean;
  /** Where a search for the last marker finds it; `undefined` for a rule without a marker, −1 for none. */
  readonly searchedGateIndex: number | undefined;
  readonly responseStart: number;
  /** g and raw rewards by this package's weights, and rewards by the unrounded ones where somebody had them. */
  readonly gateWeights: readonly number[];
  readonly rewards: readonly number[];
  readonly referenceRewards: readonly number[] | undefined;
}

/** What only the conversion saw; the manifest keeps it. */
export interface CheckpointFacts {
  /** Where the objectives' names come from; `count`: the checkpoint has none, and as many as a published model. */
  readonly namesFrom?: 'file' | 'config' | 'count' | 'none' | undefined;
  readonly tiedEmbedding?: boolean | undefined;
  /** Tensors of the checkpoint that no score reads. */
  readonly unusedTensors?: readonly string[] | undefined;
  /** Keys of `config.json` that this reader does not know. */
  readonly ignoredKeys?: readonly string[] | undefined;
  /** Decoder layers of the checkpoint. */
  readonly layers?: number | undefined;
  /** Matrices in another form than the package's dtype. */
  readonly storedOtherwise?: readonly string[] | undefined;
}

export interface DoctorFacts {
  readonly head: RewardHead;
  readonly objectives: readonly {
    readonly name: string;
    readonly nativeScale?: { readonly scale: number } | undefined;
  }[];
  /** Rows of M that are subtracted from others. */
  readonly verbosityDimensions: readonly number[];
  readonly bosId: number | undefined;
  readonly endOfTurnId: number;
  readonly gateRule: 'last-pattern' | 'prompt-last-token';
  /** Decoder layers of the package. */
  readonly layers: number;
  /** `f32` where nothing was rounded. */
  readonly dtype: string;
  readonly texts: readonly DoctorText[];
  readonly checkpoint: CheckpointFacts | undefined;
}

/** At most `most` of `items`, and how many more there are. */
export function listed(items: readonly string[], most = 4): string {
  const shown = items.slice(0, most).join(', ');
  return items.length > most ? `${shown} and ${items.length - most} more` : shown;
}

/** Three significant digits, without an exponent where that reads better. */
export function figure(value: number): string {
  return Number(value.toPrecision(3)).toString().replaceAll('-', '\u2212');
}

export function share(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
}
