/**
 * What a package's `report.json` says of each objective (`src/cli/embedded/README.md`): how well its reward follows labels it
 * never saw, and what raises it. Reports are prose for people as well, so an entry that does not fit is left out, not refused.
 */
import * as v from 'valibot';

const finite = v.pipe(v.number(), v.finite());
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const words = v.pipe(v.string(), v.maxLength(400));

const factsSchema = v.object({
  name: words,
  /** With labels of prompts it never saw, within each source; a figure is absent where there were too few. */
  agreement: v.array(v.object({ source: words, n: count, spearman: v.optional(finite), auc: v.optional(finite) })),
  /** The figure to show first. */
  headline: v.optional(v.object({ source: words, n: count, measure: v.picklist(['spearman', 'auc']), value: finite })),
  /** By falling effect, in standard deviations of the reward; `within` is half the 95 % interval. */
  raisedBy: v.array(v.object({ words, pairs: count, effect: finite, within: finite })),
  length: v.object({ spearman: finite, perDoubling: finite }),
});

export type ObjectiveFacts = v.InferOutput<typeof factsSchema>;

/** Facts by the objective's name; empty for a report that has none. */
export function readObjectiveFacts(report: unknown): ReadonlyMap<string, ObjectiveFacts> {
  const list = v.safeParse(v.object({ objectives: v.array(v.unknown()) }), report);
  const facts = new Map<string, ObjectiveFacts>();
  for (const entry of list.success ? list.output.objectives : []) {
    const parsed = v.safeParse(factsSchema, entry);
    if (parsed.success) facts.set(parsed.output.name, parsed.output);
  }
  return facts;
}
