/** Names for the objectives of heads that may be any model's: the loaded model's, ArmoRM's where the number fits, or their places. */
import type { NamedObjective } from '@/components/objective-language.ts';
import { ARMORM_OBJECTIVES } from '@/core/armorm-objectives.ts';

/** @param loaded the loaded model's objectives; used where it has as many. */
export function objectiveNames(
  count: number,
  loaded: readonly NamedObjective[] | undefined,
): readonly NamedObjective[] {
  const known = [loaded, ARMORM_OBJECTIVES].find((names) => names?.length === count);
  return (
    known?.map(({ name, group }) => ({ name, group })) ??
    Array.from({ length: count }, (_, j) => ({ name: `objective ${j}`, group: 'other' }))
  );
}

/** `objective 4` in a message of `core`, which knows no names, becomes `helpsteer-verbosity`. */
export function nameObjectives(message: string, names: readonly NamedObjective[]): string {
  return message.replaceAll(/\bobjective (\d+(?:, \d+)*)/g, (words, list: string) =>
    list
      .split(', ')
      .map((index) => names[Number(index)]?.name ?? words)
      .join(', '),
  );
}
