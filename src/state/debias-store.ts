/** The person's choices in Debias: what the correction is found on, and how. Numbers are computed elsewhere (`queries/debias-*`). */
import { create } from 'zustand';
import type { PenaltyMethod } from '@/core/debias.ts';

/** Where the reference set comes from. */
export type ReferenceSource = 'embedded' | 'open-set' | 'file';

/** How far something is that the engine scores here. */
export interface DebiasProgress {
  /** Pairs, or tokens. */
  readonly done: number;
  readonly total: number;
  readonly unit: 'pair' | 'token';
  /** Done share of all work, from 0 to 1. */
  readonly share: number;
  readonly tokensPerSecond: number | undefined;
  readonly elapsedMs: number;
}

export interface DebiasState {
  /** `undefined`: the embedded set where the model has one, else the open set. */
  readonly source: ReferenceSource | undefined;
  readonly method: PenaltyMethod;
  /** What all penalties are multiplied by. */
  readonly scale: number;
  /** The objective taken for verbosity; `undefined`: the model's own. */
  readonly verbosity: number | undefined;
  /** The objective of the scatter; `undefined`: the one that follows verbosity most. */
  readonly objective: number | undefined;
  readonly statistic: 'spearman' | 'pearson';
  /** The written pairs were asked to be scored. */
  readonly pairsWanted: boolean;
  /** How far scoring them is. */
  readonly pairsProgress: DebiasProgress | undefined;
  /** The open response whose length sweep was asked for, by its letter. */
  readonly sweep: string | undefined;
  /** How far scoring its versions is. */
  readonly sweepProgress: DebiasProgress | undefined;
  /** Step of the guided demo, from 0; `undefined`: it is closed. */
  readonly step: number | undefined;
}

const initial: DebiasState = {
  source: undefined,
  method: 'exact',
  scale: 1,
  verbosity: undefined,
  objective: undefined,
  statistic: 'spearman',
  pairsWanted: false,
  pairsProgress: undefined,
  sweep: undefined,
  sweepProgress: undefined,
  step: undefined,
};

export const useDebias = create<DebiasState>(() => initial);

export function chooseDebias(choice: Partial<DebiasState>): void {
  useDebias.setState(choice);
}

export function pairsProgressed(pairsProgress: DebiasState['pairsProgress']): void {
  useDebias.setState({ pairsProgress });
}

export function sweepProgressed(sweepProgress: DebiasState['sweepProgress']): void {
  useDebias.setState({ sweepProgress });
}

/** For tests. */
export function resetDebias(): void {
  useDebias.setState(initial, true);
}
