/** What the embedded package says of its objectives. */
import { ARMORM_OBJECTIVES } from '@/core/armorm-objectives.ts';
import type { Objective } from '@/formats/manifest.ts';
import { LABEL_RECIPES } from './label-recipes.ts';

/** ArmoRM's names, order, groups and descriptions; our labels, and no native scale: our labels are on none. */
export function embeddedObjectives(): Objective[] {
  return ARMORM_OBJECTIVES.map(({ name, group, description }, j) => {
    const recipe = LABEL_RECIPES[j];
    if (recipe?.objective !== name) throw new Error(`the label recipes are not in ArmoRM's order at ${name}`);
    return { name, group, description, labels: { kind: recipe.kind, note: recipe.note } };
  });
}
