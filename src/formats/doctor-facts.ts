/** From a package's manifest, heads and canaries as its tokenizer reads them to what the checkpoint doctor looks at. Pure. */
import type { DoctorFacts, DoctorText } from '@/core/doctor-findings.ts';
import type { RewardHead } from '@/core/reward-head.ts';
import type { Canary, Manifest } from './manifest.ts';

/** A canary as template and tokenizer of the package give it. */
export interface CanaryReading {
  readonly tokenIds: Int32Array;
  readonly gateIndex: number;
  /** The gate's own sequence, where it is not a part of `tokenIds`. */
  readonly gateTokenIds?: Int32Array;
  readonly responseStart: number;
  readonly cutText: string;
  readonly searchedGateIndex?: number;
  readonly startsWithNamedBos?: boolean;
}

/** @param readings of the manifest's canaries, in their order. */
export function doctorFacts(manifest: Manifest, head: RewardHead, readings: readonly CanaryReading[]): DoctorFacts {
  const { bosId, endOfTurnId } = manifest.tokens;
  const text = (reading: CanaryReading, { own, reference }: Canary): DoctorText => ({
    tokens: reading.tokenIds.length,
    bosCount: reading.tokenIds.filter((id) => id === bosId).length,
    startsWithBos: reading.tokenIds[0] === bosId,
    startsWithNamedBos: reading.startsWithNamedBos,
    lastIsEndOfTurn: reading.tokenIds.at(-1) === endOfTurnId,
    cutText: reading.cutText,
    gateIndex: reading.gateIndex,
    gateReadsOwnSequence: reading.gateTokenIds !== undefined,
    searchedGateIndex: reading.searchedGateIndex,
    responseStart: reading.responseStart,
    gateWeights: own.gateWeights,
    rewards: own.rewards,
    referenceRewards: reference?.rewards,
  });
  return {
    head,
    objectives: manifest.objectives,
    verbosityDimensions: manifest.verbosityDimensions,
    bosId,
    endOfTurnId,
    gateRule: manifest.gate.rule.kind,
    layers: manifest.architecture.layers,
    dtype: manifest.dtype,
    texts: readings.flatMap((reading, index) => {
      const canary = manifest.canaries[index];
      return canary === undefined ? [] : [text(reading, canary)];
    }),
    checkpoint: manifest.checkpoint,
  };
}
