/**
 * Names of a checkpoint's objectives: from a file the user gives, `config.json`, or a published model with as many (ArmoRM's 19,
 * the multi-domain model's 23), otherwise numbers.
 */
import * as v from 'valibot';
import { ARMORM_OBJECTIVES } from '@/core/armorm-objectives.ts';
import { MULTIDOMAIN_OBJECTIVES } from '@/core/multidomain-objectives.ts';
import { FormatError } from '@/formats/errors.ts';
import { type Objective, objectiveSchema } from '@/formats/manifest.ts';

/**
 * Reads the content of an objectives file: a JSON array with, for each objective, its name or a manifest's whole entry.
 * @param where the file's name, for messages.
 * @throws FormatError naming the entry.
 */
export function parseObjectives(value: unknown, where: string): Objective[] {
  if (!Array.isArray(value) || value.length === 0)
    throw new FormatError('malformed', where, 'must be a JSON array with a name or an object for every objective.');
  const objectives = value.map((entry: unknown, index): Objective => {
    const candidate = typeof entry === 'string' ? plainObjective(entry) : entry;
    const result = v.safeParse(objectiveSchema, candidate, { abortEarly: true });
    if (result.success) return result.output;
    const issue = result.issues[0];
    const path = v.getDotPath(issue);
    throw new FormatError(
      'malformed',
      `${where}: entry ${index}${path === null ? '' : `, ${path}`}`,
      `${issue.message}.`,
    );
  });
  const seen = new Set<string>();
  for (const [index, { name }] of objectives.entries()) {
    if (seen.has(name))
      throw new FormatError('malformed', `${where}: entry ${index}`, `${JSON.stringify(name)} occurs twice.`);
    seen.add(name);
  }
  return objectives;
}

/** The objectives of a checkpoint whose regression layer has `count` rows, when neither a file nor `config.json` names them. */
export function defaultObjectives(count: number): { objectives: Objective[]; namesFrom: 'count' | 'none' } {
  if (count === ARMORM_OBJECTIVES.length)
    return { objectives: ARMORM_OBJECTIVES.map((objective) => ({ ...objective })), namesFrom: 'count' };
  if (count === MULTIDOMAIN_OBJECTIVES.length)
    return {
      objectives: MULTIDOMAIN_OBJECTIVES.map(({ name, group }) => ({ ...plainObjective(name), group })),
      namesFrom: 'count',
    };
  const names = Array.from({ length: count }, (_, index) => `objective-${String(index).padStart(2, '0')}`);
  return { objectives: names.map((name) => plainObjective(name)), namesFrom: 'none' };
}

/** A name alone: the group is what stands before its first dash. */
export function plainObjective(name: string): Objective {
  const group = name.split('-', 1)[0] ?? '';
  return {
    name,
    group: group === '' ? 'objectives' : group.slice(0, 60),
    description: '',
    labels: { kind: 'unknown', note: 'The checkpoint does not say.' },
  };
}
