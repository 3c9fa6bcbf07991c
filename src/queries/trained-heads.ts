/** What becomes of a trained gate: compared on its run's pairs, a variant for every view, files. */
import type { HeadReplacement } from '@/core/head-replacement.ts';
import type { Gate, GateLayer, RewardHead } from '@/core/reward-head.ts';
import { writeTrainedHead, type HeadParts } from '@/formats/head-files.ts';
import type { DataFile, TrainingJobs } from '@/jobs/api/training.ts';
import { activateVariant, saveHeadVariant } from '@/state/head-variants.ts';
import { trackWork } from '@/state/pending-work.ts';
import { keepComparison, partsOf, runOf, useTraining } from '@/state/training-store.ts';
import type { TrainingRunRecord } from '@/state/training-run.ts';

/** Files larger than this are read again for a comparison only when it is asked for. */
export const mostBytesUnasked = 5e8;

/**
 * Judges the trained gate, an even one and the model's own on the pairs that judge the run. The original may have seen those pairs in
 * its own training; whoever shows the figure says so.
 */
export async function compareRun(jobs: TrainingJobs, runId: string, files: readonly DataFile[]): Promise<void> {
  const run = runOf(useTraining.getState(), runId);
  const parts = partsOf(runId);
  if (run?.result === undefined || parts?.trained === undefined) return;
  const { trained, original } = parts;
  const { objectives, featureSize } = run;
  const { seed, validationSplit } = run.options;
  const judge = (head: Pick<RewardHead, 'regression' | 'transform' | 'gate'>, beta: number, k = objectives) =>
    jobs.evaluateGate({
      features: files,
      head: { kind: 'parts', objectives: k, featureSize, regression: head.regression, transform: head.transform },
      gate: head.gate,
      beta,
      seed,
      validationSplit,
    });
  await trackWork(
    (async () => {
      const { beta } = run.result!;
      const even = { ...trained, gate: evenGate(trained.gate, featureSize, objectives) };
      const comparison = {
        trained: await judge(trained, beta),
        even: await judge(even, beta),
        original:
          original === undefined
            ? undefined
            : await judge(original, original.beta, Math.round(Math.sqrt(original.transform.length))),
      };
      keepComparison(runId, comparison);
    })(),
  );
}

/** A gate that gives every active objective the same weight, whatever the prompt. */
export function evenGate({ logitScale, activeObjectives }: Gate, featureSize: number, objectives: number): Gate {
  const layer: GateLayer = {
    weight: new Float32Array(featureSize * objectives),
    bias: new Float32Array(objectives),
    inputSize: featureSize,
    outputSize: objectives,
  };
  return {
    layers: [layer],
    temperature: 1,
    logitScale,
    ...(activeObjectives === undefined ? {} : { activeObjectives }),
  };
}

/** Widths and temperature of a run's gate, which the code that loads its file must be told; `undefined` where there is no gate yet. */
export function gateShape(
  runId: string,
): { readonly hiddenWidths: readonly number[]; readonly temperature: number } | undefined {
  const gate = partsOf(runId)?.trained?.gate;
  if (gate === undefined) return undefined;
  return { hiddenWidths: gate.layers.slice(0, -1).map((layer) => layer.outputSize), temperature: gate.temperature };
}

/** The parts of the model's head that a run replaced: the gate alone where it was trained under the model's own heads. */
export function replacementOf(run: Pick<TrainingRunRecord, 'headOrigin'>, head: RewardHead): HeadReplacement {
  const { gate, regression, transform } = head;
  return run.headOrigin === 'model' ? { gate } : { gate, regression, transform };
}

/** Makes a run's gate the head that every view shows. */
export async function showInEveryView(run: TrainingRunRecord, modelId: string): Promise<void> {
  const head = partsOf(run.runId)?.trained;
  if (head === undefined || run.result === undefined) return;
  const pairs = run.started?.trainPairs;
  const { id } = await saveHeadVariant({
    modelId,
    name: `Gate of ${run.name.toLowerCase()}`,
    kind: 'trained',
    note: `Trained on ${pairs ?? 'some'} pairs of ${run.data.names.join(', ')} for ${run.result.step} steps, under ${run.headWords}.`,
    objectives: head.objectives,
    featureSize: head.featureSize,
    replacement: replacementOf(run, head),
  });
  activateVariant(modelId, id);
}

/** Makes heads from files the head that every view shows: the parts they bring, the model's own for the rest. */
export async function showFileInEveryView(
  parts: HeadParts,
  names: readonly string[],
  model: { readonly id: string; readonly objectives: number; readonly featureSize: number; readonly gate: Gate },
): Promise<void> {
  const { id } = await saveHeadVariant({
    modelId: model.id,
    name: `Heads of ${names.join(', ')}`,
    kind: 'trained',
    note: `Read from ${names.join(', ')}.`,
    objectives: model.objectives,
    featureSize: model.featureSize,
    replacement: replacementFromParts(parts, model.gate),
  });
  activateVariant(model.id, id);
}

/** What heads from files replace. A temperature, scale or mask that the files do not state is the model's. */
export function replacementFromParts(
  { regression, transform, gateLayers, temperature, logitScale, activeObjectives }: HeadParts,
  own: Omit<Gate, 'layers'>,
): HeadReplacement {
  const mask = activeObjectives ?? own.activeObjectives;
  const gate: Gate | undefined =
    gateLayers === undefined
      ? undefined
      : {
          layers: gateLayers,
          temperature: temperature ?? own.temperature,
          logitScale: logitScale ?? own.logitScale,
          ...(mask === undefined ? {} : { activeObjectives: mask }),
        };
  return {
    ...(regression === undefined ? {} : { regression }),
    ...(transform === undefined ? {} : { transform }),
    ...(gate === undefined ? {} : { gate }),
  };
}

/** A run's head as a file. `armorm`: the whole head under ArmoRM's names; `script`: the gate as the authors' class names it. */
export function headBlob(runId: string, beta: number, names: 'armorm' | 'script', fileName: string): Blob | undefined {
  const head = partsOf(runId)?.trained;
  if (head === undefined) return undefined;
  return new Blob([writeTrainedHead(head, beta, names, fileName)], { type: 'application/octet-stream' });
}
