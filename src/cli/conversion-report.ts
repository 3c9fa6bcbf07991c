/** A finished conversion in words, for the terminal. */
import type { DoctorSeverity } from '@/core/doctor-findings.ts';
import type { ConversionReport, TextComparison } from '@/convert/conversion.ts';
import { crossStackNoise } from '@/core/doctor-rewards.ts';
import type { Manifest } from '@/formats/manifest.ts';

/** Lines to print, the last of which names the package. */
export function describeConversion(report: ConversionReport, elapsedSeconds: number): string[] {
  const { manifest, adapter, tensors, comparisons, findings } = report;
  const lines: string[] = [];
  if (manifest.dtype !== 'f32') {
    lines.push('tensor, form, relative error, largest error');
    for (const { tensor, form, relativeError, largestError } of tensors)
      lines.push(`  ${tensor}, ${form}, ${relativeError.toExponential(2)}, ${largestError.toExponential(2)}`);
  }
  if (adapter !== undefined)
    lines.push(
      `The adapter ${adapter.name} was merged into ${adapter.changed.length} tensors` +
        `${adapter.baseModel === undefined ? '' : `; it says that it was trained on ${adapter.baseModel}`}.`,
    );
  lines.push(...describeFindings(findings));
  const canaries = comparisons.filter(({ kind }) => kind === 'canary');
  const verified = comparisons.filter(({ kind }) => kind === 'verify');
  lines.push(...describeErrors(`${canaries.length} canaries`, canaries, manifest));
  if (verified.length > 0) {
    lines.push(...describeErrors(`${comparisons.length} texts (--verify)`, comparisons, manifest));
    lines.push('score in f32, score of the package, difference, prompt');
    for (const { prompt, reference, own } of comparisons)
      lines.push(
        `  ${reference.score.toFixed(6)}, ${own.score.toFixed(6)}, ${(own.score - reference.score).toExponential(2)}, ${prompt.slice(0, 60)}`,
      );
  }
  lines.push(
    `${manifest.id}: ${manifest.stages.length} stages, ${(report.packageBytes / 1e6).toFixed(1)} MB, ${manifest.dtype}, in ${elapsedSeconds.toFixed(1)} s`,
  );
  return lines;
}

/** Everything but what is fine, which is only counted. */
function describeFindings(findings: ConversionReport['findings']): string[] {
  const told = findings.filter(({ severity }) => severity !== 'fine');
  const count = (of: DoctorSeverity): number => findings.filter(({ severity }) => severity === of).length;
  return [
    `Checkpoint doctor: ${count('error')} errors, ${count('warning')} warnings, ${count('note')} notes, ${count('fine')} fine`,
    ...told.map(({ severity, subject, found, meaning }) => `  ${severity}: ${subject}. ${found} ${meaning}`),
  ];
}

function describeErrors(what: string, comparisons: readonly TextComparison[], manifest: Manifest): string[] {
  const scores = comparisons.map(({ reference, own }) => Math.abs(reference.score - own.score));
  const rewards = comparisons.flatMap(({ reference, own }) =>
    reference.rewards.map((reward, index) => Math.abs(reward - own.rewards[index]!)),
  );
  const lines = [
    `Against f32 on ${what}: score error ${worst(scores)} at most, ${mean(scores)} on average; ` +
      `reward error ${worst(rewards)} at most, ${mean(rewards)} on average.`,
  ];
  const native = comparisons.flatMap(({ reference, own }) =>
    manifest.objectives.flatMap(({ nativeScale }, index) =>
      nativeScale === undefined
        ? []
        : [Math.abs(reference.rewards[index]! - own.rewards[index]!) * Math.abs(nativeScale.scale)],
    ),
  );
  if (native.length > 0)
    lines.push(
      `In units of the objectives' native scales: ${worst(native)} at most, ${mean(native)} on average ` +
        `(two correct stacks differ by up to ${crossStackNoise}).`,
    );
  return lines;
}

function worst(values: readonly number[]): string {
  return Math.max(...values).toExponential(2);
}

function mean(values: readonly number[]): string {
  return (values.reduce((sum, value) => sum + value, 0) / values.length).toExponential(2);
}
