/** Reads a file of scores for a model, and refuses one that this model did not make. */
import type { SteerableHead } from '@/core/steering.ts';
import { makeSteeringBatch, steerableSet } from '@/core/steering-batch.ts';
import type { ScoredHead, ScoredSet } from '@/core/scored-set.ts';
import { keepScoredSet, reportSetProblem, scoredSetReading } from '@/state/loaded-set.ts';
import { trackWork } from '@/state/pending-work.ts';
import { steerableHead, type HeadOwner } from './active-head.ts';

/** Scores that went through text and another order of summation agree far better; another head's do not by far. */
const SCORE_TOLERANCE = 1e-6;

/** Reads `file` and makes it the loaded set, or says why not. */
export async function openScoredSet(file: File, owner: HeadOwner): Promise<void> {
  scoredSetReading();
  await trackWork(readAndKeep(file, owner));
}

async function readAndKeep(file: File, owner: HeadOwner): Promise<void> {
  let problem: string | undefined;
  try {
    const { set, rejected } = await read(file, owner);
    problem = setProblem(set, owner);
    if (problem === undefined) keepScoredSet(file.name, set, rejected);
  } catch (cause) {
    problem = cause instanceof Error ? cause.message : String(cause);
  }
  if (problem !== undefined) reportSetProblem(`${file.name} was not opened: ${problem}`);
}

async function read(file: File, owner: HeadOwner) {
  const options = { objectives: owner.manifest.objectives.map(({ name }) => name), head: headFacts(owner) };
  const [{ blobSource }, { readScoredLines }] = await Promise.all([
    import('@/formats/blob-source.ts'),
    import('@/formats/scored-lines.ts'),
  ]);
  const source = blobSource(file.name, file);
  if (!/\.(csv|parquet)$/i.test(file.name)) return readScoredLines(source, options);
  const table = await import('@/formats/scored-table.ts');
  const readTable = /\.csv$/i.test(file.name) ? table.readScoredCsv : table.readScoredParquet;
  return readTable(source, options);
}

/** What a scored set records of the head that made it. */
export function headFacts(owner: HeadOwner): ScoredHead {
  const { gate, transform } = steerableHead(owner);
  const { temperature, logitScale, activeObjectives } = gate;
  return { transform, temperature, logitScale, ...(activeObjectives === undefined ? {} : { activeObjectives }) };
}

/** Why the scores are not this model's, in words; `undefined` where they are: its head gives each of them back. */
export function setProblem(set: ScoredSet, owner: HeadOwner): string | undefined {
  const names = owner.manifest.objectives.map(({ name }) => name);
  if (set.objectives.length !== names.length)
    return `its rows have ${set.objectives.length} objectives, and the model in use has ${names.length}.`;
  const at = set.objectives.findIndex((name, index) => name !== names[index]);
  if (at >= 0)
    return `its objective ${at + 1} is ${set.objectives[at] ?? ''}, which the model in use calls ${names[at] ?? ''}.`;
  const head: SteerableHead = steerableHead(owner);
  const { scores } = makeSteeringBatch(head, steerableSet(set, head)).baseline;
  const row = scores.findIndex((score, index) => {
    const said = set.scores[index] ?? Number.NaN;
    return !(Math.abs(score - said) <= SCORE_TOLERANCE * Math.max(1, Math.abs(said)));
  });
  if (row < 0) return undefined;
  return (
    `row ${set.sourceRows[row] ?? row + 1} says a score of ${set.scores[row] ?? ''}, and the head of ${owner.manifest.id} makes ` +
    `${scores[row] ?? ''} of its numbers. Open the model that scored it.`
  );
}
