/**
 * The checkpoint doctor: everything that is wrong with, odd about or good to know of a reward model, and what it means for its
 * scores. Pure; runs at every conversion and at every load.
 */
import { listed, type DoctorFacts, type DoctorFinding, type DoctorSeverity } from './doctor-findings.ts';
import { gateFindings } from './doctor-gate.ts';
import { rewardFindings } from './doctor-rewards.ts';
import { sequenceFindings } from './doctor-sequence.ts';

const order: readonly DoctorSeverity[] = ['error', 'warning', 'note', 'fine'];

/** @returns one finding per thing looked at, the gravest first. @throws AssertionError when the head's shapes do not fit. */
export function examineCheckpoint(facts: DoctorFacts): DoctorFinding[] {
  const findings = [
    ...sequenceFindings(facts),
    ...gateFindings(facts),
    ...rewardFindings(facts),
    ...originFindings(facts),
  ];
  return findings.sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
}

/** What only the conversion saw. */
function originFindings({ checkpoint, layers }: DoctorFacts): DoctorFinding[] {
  if (checkpoint === undefined) return [];
  const findings: DoctorFinding[] = [];
  const { tiedEmbedding, unusedTensors = [], ignoredKeys = [], storedOtherwise = [] } = checkpoint;
  if (checkpoint.layers !== undefined && checkpoint.layers > layers)
    findings.push({
      code: 'layers',
      severity: 'warning',
      subject: 'Layers',
      found: `Only ${layers} of ${checkpoint.layers} were kept, and the heads are the checkpoint’s own.`,
      meaning: 'The heads were trained on all layers: scores are not the model’s.',
    });
  if (storedOtherwise.length > 0)
    findings.push({
      code: 'stored-form',
      severity: 'note',
      subject: 'Stored otherwise',
      found: `${listed(storedOtherwise, 2)}.`,
      meaning: 'It is kept in a more exact form, so the package is a little larger; scores are not touched.',
    });
  if (tiedEmbedding === true)
    findings.push({
      code: 'tied-embedding',
      severity: 'note',
      subject: 'Tied embeddings',
      found: 'config.json ties the output layer to the embedding.',
      meaning: 'A reward reads no output layer, so this touches no score.',
    });
  if (unusedTensors.length > 0)
    findings.push({
      code: 'unused-tensors',
      severity: 'note',
      subject: 'Unused tensors',
      found: `Left out: ${listed(unusedTensors)}.`,
      meaning: 'No score reads them.',
    });
  if (ignoredKeys.length > 0)
    findings.push({
      code: 'ignored-keys',
      severity: 'note',
      subject: 'Unknown keys',
      found: `config.json: ${listed(ignoredKeys)}.`,
      meaning: 'They look as if they touched no score, and were not used. Whoever wrote them may know better.',
    });
  return findings;
}
