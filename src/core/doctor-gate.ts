/** The doctor on the gate: Σg, whether it says anything about the prompt, whether it was trained, weight that does nothing (armorm.md I4, I5). */
import { figure, listed, share, type DoctorFacts, type DoctorFinding } from './doctor-findings.ts';
import { deadObjectives, gateHealth, type GateHealth } from './gate-health.ts';
import type { GateLayer } from './reward-head.ts';

/** Rounding of a sum of k doubles; the canaries' weights are stored in full. */
const sumTolerance = 1e-9;
/** Largest difference of a weight's share from the even one below which the gate counts as even: half a percent of it. */
const evenTolerance = 5e-3;

export function gateFindings(facts: DoctorFacts): DoctorFinding[] {
  return [sum(facts), ...weights(facts), trained(facts), ...mask(facts)];
}

function sum({ head: { gate }, texts }: DoctorFacts): DoctorFinding {
  const about = { code: 'gate-sum', subject: 'Sum of the gate' } as const;
  const scale = gate.logitScale;
  const off = Math.max(0, ...texts.map(({ gateWeights }) => Math.abs(total(gateWeights) - scale)));
  if (!(off <= sumTolerance * Math.max(1, Math.abs(scale))))
    return {
      ...about,
      severity: 'error',
      found: `Σg differs from logit_scale ${figure(scale)} by ${figure(off)} on a text of known outputs.`,
      meaning: 'The recorded outputs do not come from this gate: do not trust this package.',
    };
  if (scale <= 0)
    return {
      ...about,
      severity: 'error',
      found: `Σg = logit_scale = ${figure(scale)}.`,
      meaning:
        scale === 0
          ? 'Every score is zero.'
          : 'Every weight is negative: the higher the rewards, the lower the score. Rankings are upside down.',
    };
  return scale === 1
    ? { ...about, severity: 'fine', found: 'Σg = logit_scale = 1.', meaning: 'A score is a weighted mean of rewards.' }
    : {
        ...about,
        severity: 'note',
        found: `Σg = logit_scale = ${figure(scale)}, not 1.`,
        meaning:
          `A score is ${figure(scale)} times a weighted mean of rewards. Rankings are not touched; compare scores with another ` +
          'checkpoint’s only after dividing by its own.',
      };
}

function total(values: readonly number[]): number {
  return values.reduce((before, value) => before + value, 0);
}

/** Constant, collapsed, dead: needs weights on texts. */
function weights(facts: DoctorFacts): DoctorFinding[] {
  const { head, texts, objectives } = facts;
  const k = head.objectives;
  const scale = head.gate.logitScale;
  if (texts.length === 0 || scale === 0) return [];
  const name = (j: number): string => objectives[j]?.name ?? `objective ${j}`;
  const dead = deadObjectives(head.transform, k);
  // Shares, so that a negative scale is no obstacle.
  const shares = Float64Array.from(texts.flatMap(({ gateWeights }) => gateWeights.map((g) => g / scale)));
  const health = gateHealth(shares, k, dead, name);
  return [varies(health, texts.length, name), deadMass(health, dead, name)];
}

function varies(health: GateHealth, texts: number, name: (objective: number) => string): DoctorFinding {
  const about = { code: 'gate-varies', subject: 'Gate over prompts' } as const;
  const found = health.warnings.find(({ code }) => code === 'collapsed' || code === 'constant');
  if (found?.code === 'collapsed')
    return {
      ...about,
      severity: 'warning',
      found: `${share(health.top.share)} of the weight is on ${name(health.top.objective)}, over ${texts} prompts.`,
      meaning: 'The score is that one objective; the others hardly count.',
    };
  if (found?.code === 'constant')
    return {
      ...about,
      severity: 'warning',
      found: `The same weights for all ${texts} prompts: ${share(health.variation)} of the weight moves between them.`,
      meaning: 'The gate does not look at the prompt: one fixed set of coefficients would give the same scores.',
    };
  return {
    ...about,
    severity: 'fine',
    found: `${share(health.variation)} of the weight moves between ${texts} prompts; most is on ${name(health.top.objective)} (${share(health.top.share)}).`,
    meaning: 'What counts depends on the prompt.',
  };
}

function deadMass(health: GateHealth, dead: readonly number[], name: (objective: number) => string): DoctorFinding {
  const about = { code: 'dead-mass', subject: 'Dead weight' } as const;
  if (dead.length === 0)
    return {
      ...about,
      severity: 'fine',
      found: 'No column of M is zero.',
      meaning: 'All of the gate’s weight counts.',
    };
  const isMuch = health.warnings.some(({ code }) => code === 'dead-mass');
  return {
    ...about,
    severity: isMuch ? 'warning' : 'note',
    found: `M’s column of ${listed(dead.map(name))} is zero; ${share(health.deadMass)} of the gate’s weight is there on average.`,
    meaning:
      'That share of a score is always zero: it shrinks scores, by more for some prompts than for others, and cannot move a ' +
      'ranking of answers to one prompt.',
  };
}

/**
 * Whether the gate's matrices still look as PyTorch makes them: `nn.Linear` draws weights evenly from ±1/√inputs. Training with
 * AdamW leaves these bounds within some hundred steps. The authors' script, whose softmax runs over the wrong axis, leaves a gate
 * exactly so where it trains without dropout (armorm.md, "Where the authors' scripts leave the paper").
 */
function trained({ head: { gate, objectives: k }, texts }: DoctorFacts): DoctorFinding {
  const about = { code: 'gate-trained', subject: 'Training of the gate' } as const;
  const zero = gate.layers.every(({ weight }) => weight.every((value) => value === 0));
  const active = gate.activeObjectives?.length ?? k;
  const spread = texts.flatMap(({ gateWeights }) =>
    gateWeights.filter((g) => g !== 0).map((g) => Math.abs(g / gate.logitScale - 1 / active) * active),
  );
  const even = spread.length > 0 && Math.max(...spread) < evenTolerance && active > 1;
  const evenWords = even ? ` Every weight is within ${share(Math.max(...spread))} of 1/${active}.` : '';
  if (zero)
    return {
      ...about,
      severity: 'warning',
      found: `Every weight of its ${gate.layers.length} layers is zero.${evenWords}`,
      meaning: 'There is no gate: coefficients are the same for every prompt.',
    };
  if (gate.layers.every((layer) => looksInitialised(layer)))
    return {
      ...about,
      severity: 'warning',
      found: `Its ${gate.layers.length} layers are spread as PyTorch starts them, evenly within ±1/√inputs.${evenWords}`,
      meaning:
        'It was probably never trained: a softmax over the wrong axis, as in the authors’ script, gives it no gradient. ' +
        'Coefficients then hardly depend on the prompt.',
    };
  if (even)
    return {
      ...about,
      severity: 'warning',
      found: `An even gate.${evenWords}`,
      meaning: 'The score is close to the plain mean of the adjusted rewards, whatever the prompt.',
    };
  return {
    ...about,
    severity: 'fine',
    found: `Its ${gate.layers.length} layers are not as PyTorch starts them.`,
    meaning: 'The gate was trained.',
  };
}

/** Fewer weights than this say too little about how they are spread. */
const fewestWeights = 256;

function looksInitialised({ weight, inputSize }: GateLayer): boolean {
  if (weight.length < fewestWeights) return false;
  const bound = 1 / Math.sqrt(inputSize);
  let squares = 0;
  let largest = 0;
  for (const value of weight) {
    squares += value * value;
    largest = Math.max(largest, Math.abs(value));
  }
  // A checkpoint in bf16 rounds by up to 1/256.
  if (largest > bound * (1 + 1 / 256)) return false;
  // Root mean square of an even spread is bound/√3; √(1/5) / √n is the relative standard error of its estimate.
  const ratio = (Math.sqrt(squares / weight.length) * Math.sqrt(3)) / bound;
  return Math.abs(ratio - 1) < 5 * Math.sqrt(0.2 / weight.length) + 1 / 512;
}

function mask({ head: { gate, objectives: k }, objectives }: DoctorFacts): DoctorFinding[] {
  const { activeObjectives: active } = gate;
  if (active === undefined || active.length === k) return [];
  const left = objectives.filter((_, j) => !active.includes(j)).map(({ name }) => name);
  return [
    {
      code: 'gate-mask',
      subject: 'Masked objectives',
      severity: 'note',
      found: `The gate weighs ${active.length} of ${k} objectives; never ${listed(left)}.`,
      meaning: 'The others have rewards, but no part in any score, except through M where it mixes them.',
    },
  ];
}
