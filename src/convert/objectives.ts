/**
 * Names of a checkpoint's objectives: from a file the user gives, ArmoRM's where there are 19, otherwise numbers.
 */
import * as v from 'valibot';
import { ARMORM_OBJECTIVES } from '@/core/armorm-objectives.ts';
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

/** The objectives of a checkpoint whose regression layer has `count` rows, when no file names them. */
export function defaultObjectives(count: number): Objective[] {
  if (count === ARMORM_OBJECTIVES.length) return ARMORM_OBJECTIVES.map((objective) => ({ ...objective }));
  return Array.from({ length: count }, (_, index) => plainObjective(`objective-${String(index).padStart(2, '0')}`));
}

/** A name alone: the group is what stands before its first dash. */
function plainObjective(name: string): Objective {
  const group = name.split('-', 1)[0] ?? '';
  return {
    name,
    group: group === '' ? 'objectives' : group.slice(0, 60),
    description: '',
    labels: { kind: 'unknown', note: 'The checkpoint does not say.' },
  };
}
