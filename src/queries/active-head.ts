/**
 * The head that is in force: the model's own, or the variant the person chose. Every view that shows a score takes it from
 * here, so that one response has one score wherever it is shown. Nothing is run again: parts of the head are evaluated on the
 * features that came with the score, steering recombines rewards and gate logits.
 */
import { useEffect, useMemo } from 'react';
import { canReplace, evaluateReplacement, type HeadReplacement } from '@/core/head-replacement.ts';
import type { HeadEvaluation } from '@/core/reward-head.ts';
import { applySteering, type SteerableHead, type Steering } from '@/core/steering.ts';
import type { LoadedModel, ScoredResponse } from '@/engine/api/messages.ts';
import type { Manifest } from '@/formats/manifest.ts';
import { headVariant, loadHeadVariants, useHeadVariants, type HeadVariantSummary } from '@/state/head-variants.ts';

/** What of a model its head is recombined with; a recorded inspection brings it without a loaded model. */
export interface HeadOwner extends Pick<LoadedModel, 'transform'> {
  readonly manifest: Omit<Manifest, 'canaries'>;
}

export interface ActiveHead {
  readonly owner: HeadOwner;
  /** `undefined`: the model's own head. */
  readonly variant: HeadVariantSummary | undefined;
  /** Gate softmax, M and verbosity dimensions under the variant's parts, before any steering: what the handles of Steer move. */
  readonly head: SteerableHead;
  /** The steering the variant carries. */
  readonly variantSteering: Steering | undefined;
  /**
   * A response under the variant's parts, without its steering. `scored` is what the engine said.
   * `undefined` where its features are not known and the variant needs them.
   */
  readonly unsteered: (scored: ScoredResponse) => ScoredResponse | undefined;
  /** A response under the variant: what every view shows. `scored` itself while the model's own head is in force. */
  readonly evaluate: (scored: ScoredResponse) => ScoredResponse | undefined;
}

/** The head of `owner` with the variant in force; `undefined` while there is no model. Evaluations keep their identity. */
export function useActiveHead(owner: HeadOwner | undefined): ActiveHead | undefined {
  useEffect(() => void loadHeadVariants(), []);
  const modelId = owner?.manifest.id;
  const activeId = useHeadVariants((state) => (modelId === undefined ? undefined : state.activeIds[modelId]));
  const summary = useHeadVariants((state) => state.variants.find((variant) => variant.id === activeId));
  return useMemo(() => (owner === undefined ? undefined : activeHead(owner, summary)), [owner, summary]);
}

/** The head of `owner` under a variant of it. Pure but for its memory: the same response gives the same object again. */
export function activeHead(owner: HeadOwner, variant: HeadVariantSummary | undefined): ActiveHead {
  const parts = variant === undefined ? undefined : headVariant(variant.id);
  const replacement = parts?.replacement ?? {};
  const steering = parts?.steering;
  const head = steerableHead(owner, replacement);
  const unsteered = remembered((scored) =>
    canReplace(replacement, scored)
      ? withEvaluation(scored, evaluateReplacement(replacement, scored, owner.transform, scored))
      : undefined,
  );
  const evaluate =
    steering === undefined
      ? unsteered
      : remembered((scored) => {
          const base = unsteered(scored);
          return base === undefined ? undefined : withEvaluation(base, applySteering(head, base, steering));
        });
  return {
    owner,
    variant: parts === undefined ? undefined : variant,
    head,
    variantSteering: steering,
    unsteered,
    evaluate,
  };
}

/** What steering needs of a model's head, with the given parts replaced. */
export function steerableHead({ manifest, transform }: HeadOwner, replacement: HeadReplacement = {}): SteerableHead {
  const { activeObjectives, gate } = manifest;
  return {
    objectives: manifest.objectives.length,
    transform: replacement.transform ?? transform,
    gate: replacement.gate ?? {
      temperature: gate.temperature,
      logitScale: gate.logitScale,
      ...(activeObjectives === undefined ? {} : { activeObjectives }),
    },
    verbosityDimensions: manifest.verbosityDimensions,
  };
}

function withEvaluation(scored: ScoredResponse, evaluation: HeadEvaluation): ScoredResponse {
  return evaluation === scored ? scored : { ...scored, ...evaluation };
}

function remembered(make: (scored: ScoredResponse) => ScoredResponse | undefined) {
  const known = new WeakMap<ScoredResponse, ScoredResponse | undefined>();
  return (scored: ScoredResponse): ScoredResponse | undefined => {
    if (!known.has(scored)) known.set(scored, make(scored));
    return known.get(scored);
  };
}
