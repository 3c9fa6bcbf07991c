/**
 * What a caption may claim, as data: one place turns a claim into its sentence, and one decides whether it holds, so the words
 * and the test cannot drift apart.
 */

export type Letter = 'A' | 'B' | 'C' | 'D' | 'E' | 'F' | 'G' | 'H';

export type Claim =
  /** The score of `a` is above that of `b` by more than the package's own noise. */
  | { readonly kind: 'prefers'; readonly a: Letter; readonly b: Letter }
  /** As `prefers`, where any reader would choose `b`. */
  | { readonly kind: 'prefers-wrongly'; readonly a: Letter; readonly b: Letter }
  /** The two scores differ by no more than the package's own noise. */
  | { readonly kind: 'near-even'; readonly a: Letter; readonly b: Letter }
  /** The plain mean of all raw rewards is higher for `a`. */
  | { readonly kind: 'mean-higher'; readonly a: Letter; readonly b: Letter }
  /** One raw reward is higher for `a`. */
  | { readonly kind: 'reward-higher'; readonly objective: string; readonly a: Letter; readonly b: Letter }
  /** One raw reward rises from each of these responses to the next. */
  | { readonly kind: 'reward-rises'; readonly objective: string; readonly order: readonly Letter[] }
  /** The sign of a final coefficient for this prompt. */
  | { readonly kind: 'coefficient-sign'; readonly objective: string; readonly sign: 'positive' | 'negative' }
  /** Of what separates `a` from `b`, this objective's share is for `a`. */
  | { readonly kind: 'counts-for'; readonly objective: string; readonly a: Letter; readonly b: Letter }
  /** The best score belongs to this response. */
  | { readonly kind: 'ranks-first'; readonly a: Letter }
  /** The gate gives a group of objectives more weight than in another example. */
  | { readonly kind: 'gate-group-higher'; readonly group: string; readonly than: string }
  /** A response carries this warning. */
  | { readonly kind: 'warned'; readonly code: 'gate-hijack' | 'template' | 'whitespace'; readonly a: Letter };

/** What a claim is about: the numbers of one scored response, `[k]` in the model's order. */
export interface ScoredNumbers {
  readonly score: number;
  readonly rewards: ArrayLike<number>;
  readonly coefficients: ArrayLike<number>;
  readonly gateWeights: ArrayLike<number>;
  readonly warnings: readonly { readonly code: string }[];
}

export interface ClaimFacts {
  readonly objectives: readonly { readonly name: string; readonly group: string }[];
  /** Margins no larger than this are the package's own rounding (`score-noise.ts`); `undefined` where it was not measured. */
  readonly tooClose: number | undefined;
  readonly responses: readonly ScoredNumbers[];
  /** Gate weights of another example's prompt; `undefined` where they are not known. */
  readonly gateOf: (example: string) => ArrayLike<number> | undefined;
}

/** Whether a claim holds of the numbers; `undefined` where they do not tell (a response, an objective or the noise is missing). */
export function claimHolds(claim: Claim, facts: ClaimFacts): boolean | undefined {
  const at = (letter: Letter) => facts.responses[letter.charCodeAt(0) - 65];
  const index = (name: string) => facts.objectives.findIndex((objective) => objective.name === name);
  const reward = (letter: Letter, name: string) => at(letter)?.rewards[index(name)];
  const margin = (a: Letter, b: Letter) => difference(at(a)?.score, at(b)?.score);
  const above = (value: number | undefined, limit: number | undefined) =>
    value === undefined || limit === undefined ? undefined : value > limit;
  switch (claim.kind) {
    case 'prefers':
    case 'prefers-wrongly':
      return above(margin(claim.a, claim.b), facts.tooClose);
    case 'near-even': {
      const distance = margin(claim.a, claim.b);
      if (distance === undefined || facts.tooClose === undefined) return undefined;
      return Math.abs(distance) <= facts.tooClose;
    }
    case 'mean-higher':
      return above(difference(mean(at(claim.a)), mean(at(claim.b))), 0);
    case 'reward-higher':
      return above(difference(reward(claim.a, claim.objective), reward(claim.b, claim.objective)), 0);
    case 'reward-rises': {
      const values = claim.order.map((letter) => reward(letter, claim.objective));
      if (values.includes(undefined)) return undefined;
      return values.every((value, i) => i === 0 || (value ?? Number.NaN) > (values[i - 1] ?? Number.NaN));
    }
    case 'coefficient-sign': {
      const coefficient = facts.responses[0]?.coefficients[index(claim.objective)];
      return coefficient === undefined ? undefined : claim.sign === 'positive' ? coefficient > 0 : coefficient < 0;
    }
    case 'counts-for': {
      const coefficient = facts.responses[0]?.coefficients[index(claim.objective)];
      const step = difference(reward(claim.a, claim.objective), reward(claim.b, claim.objective));
      return coefficient === undefined || step === undefined ? undefined : coefficient * step > 0;
    }
    case 'ranks-first': {
      const best = at(claim.a);
      return best === undefined ? undefined : facts.responses.every((other) => other.score <= best.score);
    }
    case 'gate-group-higher': {
      const here = facts.responses[0]?.gateWeights;
      const there = facts.gateOf(claim.than);
      if (here === undefined || there === undefined || there.length !== here.length) return undefined;
      return groupMass(facts, claim.group, here) > groupMass(facts, claim.group, there);
    }
    case 'warned':
      break;
  }
  return at(claim.a)?.warnings.some((warning) => warning.code === claim.code);
}

const groupWords: Readonly<Record<string, string>> = { code: 'the code objectives', safety: 'the safety objective' };

/** The claim as one sentence. `titleOf` gives the title of another example. */
export function claimSentence(claim: Claim, titleOf: (example: string) => string): string {
  switch (claim.kind) {
    case 'prefers':
      return `${claim.a} scores higher than ${claim.b}.`;
    case 'prefers-wrongly':
      return `${claim.a} scores higher than ${claim.b}: here the model is wrong.`;
    case 'near-even':
      return `${claim.a} and ${claim.b} are too close to call: they differ by no more than the model’s own noise.`;
    case 'mean-higher':
      return `The plain mean of all raw rewards is higher for ${claim.a} than for ${claim.b}.`;
    case 'reward-higher':
      return `${claim.objective} is higher for ${claim.a} than for ${claim.b}.`;
    case 'reward-rises':
      return `${claim.objective} rises from ${claim.order.join(' to ')}.`;
    case 'coefficient-sign':
      return claim.sign === 'negative'
        ? `${claim.objective} has a negative coefficient for this prompt, so more of it lowers the score.`
        : `${claim.objective} has a positive coefficient for this prompt.`;
    case 'counts-for':
      return `${claim.objective} counts for ${claim.a} against ${claim.b}.`;
    case 'ranks-first':
      return `${claim.a} ranks first.`;
    case 'gate-group-higher':
      return `The gate gives ${groupWords[claim.group] ?? claim.group} more weight than in “${titleOf(claim.than)}”.`;
    case 'warned':
      break;
  }
  return claim.code === 'gate-hijack'
    ? `${claim.a} holds the pattern that the gate looks for; it is found by the conversation’s structure instead, and a warning says so.`
    : `A warning says what is special about ${claim.a}.`;
}

function difference(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a - b;
}

function mean(scored: ScoredNumbers | undefined): number | undefined {
  if (scored === undefined) return undefined;
  return Array.from(scored.rewards).reduce((sum, value) => sum + value, 0) / scored.rewards.length;
}

function groupMass(facts: ClaimFacts, group: string, gate: ArrayLike<number>): number {
  const total = Array.from(gate).reduce((sum, weight) => sum + weight, 0);
  const mass = facts.objectives.reduce((sum, o, index) => sum + (o.group === group ? (gate[index] ?? 0) : 0), 0);
  return mass / total;
}
