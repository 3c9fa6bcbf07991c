/**
 * A whole inspection as one JSON file: the texts, the facts of the model that are needed to show them, and every number it gave.
 * Written by Export and by the recorder of the examples, kept in the history, read by Import and by a drop on the page.
 *
 * A file is data from a stranger: it is validated by schema, and its numbers must fit each other (Eq 2 and 4), so a file cannot
 * show a score that its own rewards do not make.
 */
import * as v from 'valibot';
import { FormatError } from './errors.ts';
import { INSPECTION_FORMAT, INSPECTION_VERSION, isInspectionFile } from './inspection-kind.ts';
import { manifestSchema } from './manifest.ts';

/** Eight responses of the longest context are far below. */
export const MAX_INSPECTION_BYTES = 20_000_000;

const finite = v.pipe(v.number(), v.finite());
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const text = v.pipe(v.string(), v.maxLength(1_000_000));
const shortText = v.pipe(v.string(), v.maxLength(2000));

/** The manifest without its canaries: they prove devices, and only the package itself needs them. */
const modelFactsSchema = v.omit(manifestSchema, ['canaries']);

export const inspectionModelSchema = v.strictObject({
  manifest: modelFactsSchema,
  /** SHA-256 over all file hashes of the package (sorted, joined by newlines); its first 12 digits end the id. */
  packageSha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits')),
  /** M `[k, k]`, row-major. */
  transform: v.array(finite),
  /** What ran it, e.g. `wasm`. */
  provider: shortText,
});

export const inspectionResultSchema = v.strictObject({
  /** Index into `conversation.responses`. */
  response: count,
  rewards: v.array(finite),
  adjustedRewards: v.array(finite),
  gateLogits: v.array(finite),
  gateWeights: v.array(finite),
  coefficients: v.array(finite),
  score: finite,
  tokens: v.strictObject({
    total: count,
    prompt: count,
    response: count,
    gateIndex: count,
    gateToken: shortText,
    scoredIndex: count,
    scoredToken: shortText,
    reused: count,
  }),
  warnings: v.pipe(
    v.array(v.strictObject({ code: v.picklist(['gate-hijack', 'template', 'whitespace']), message: shortText })),
    v.maxLength(20),
  ),
  timings: v.strictObject({ tokenizeMs: finite, backboneMs: finite, headsMs: finite }),
});

export const inspectionTextsSchema = v.strictObject({
  system: v.optional(text),
  /** User, assistant, …, user. */
  turns: v.pipe(
    v.array(text),
    v.minLength(1),
    v.maxLength(999),
    v.check((turns) => turns.length % 2 === 1, 'must end with a turn of the user'),
  ),
  responses: v.pipe(v.array(text), v.minLength(1), v.maxLength(8)),
});

export const inspectionFileSchema = v.strictObject({
  format: v.literal(INSPECTION_FORMAT),
  formatVersion: v.literal(INSPECTION_VERSION),
  /** ISO 8601. */
  createdAt: v.pipe(v.string(), v.isoTimestamp()),
  model: inspectionModelSchema,
  conversation: inspectionTextsSchema,
  results: v.array(inspectionResultSchema),
});

export type InspectionFile = v.InferOutput<typeof inspectionFileSchema>;
export type InspectionModel = v.InferOutput<typeof inspectionModelSchema>;
export type InspectionResult = v.InferOutput<typeof inspectionResultSchema>;
export type InspectionTexts = v.InferOutput<typeof inspectionTextsSchema>;

/** Reads a file's text. `name` is said in errors. @throws FormatError naming the key that is wrong. */
export function readInspectionFile(json: string, name: string): InspectionFile {
  if (json.length > MAX_INSPECTION_BYTES)
    throw new FormatError('unsupported', name, `is longer than ${MAX_INSPECTION_BYTES} characters.`);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new FormatError('malformed', name, `is not valid JSON: ${cause instanceof Error ? cause.message : ''}.`);
  }
  return checkInspectionFile(value, name);
}

/** Validates parsed JSON. @throws FormatError naming the key that is wrong. */
export function checkInspectionFile(value: unknown, name: string): InspectionFile {
  if (!isInspectionFile(value))
    throw new FormatError('malformed', name, `is not an inspection: its "format" is not "${INSPECTION_FORMAT}".`);
  const version = typeof value === 'object' && value !== null && 'formatVersion' in value && value.formatVersion;
  if (typeof version === 'number' && version !== INSPECTION_VERSION)
    throw new FormatError(
      'unsupported',
      name,
      `is an inspection of format version ${version}; this page reads version ${INSPECTION_VERSION}.`,
      'Open it with the version of Armoscope that wrote it.',
    );
  const parsed = v.safeParse(inspectionFileSchema, value, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new FormatError('malformed', `${name}: ${v.getDotPath(issue) ?? 'the whole'}`, `${issue.message}.`);
  }
  checkNumbers(parsed.output, name);
  return parsed.output;
}

/** Sums over `k` terms in f64 agree far better; this is wide enough for files whose numbers were rounded to nine digits. */
const RELATIVE_TOLERANCE = 1e-6;

function checkNumbers({ model, conversation, results }: InspectionFile, name: string): void {
  const k = model.manifest.objectives.length;
  const refuse = (where: string, what: string): never => {
    throw new FormatError('mismatch', `${name}: ${where}`, what);
  };
  if (model.transform.length !== k * k) refuse('model.transform', `must have ${k * k} numbers for ${k} objectives.`);
  const { referenceMeans, verbosityDimensions } = model.manifest;
  if (referenceMeans !== undefined && referenceMeans.length !== k)
    refuse('model.manifest.referenceMeans', `must have ${k} numbers.`);
  if (verbosityDimensions.some((index) => index >= k))
    refuse('model.manifest.verbosityDimensions', `must be below ${k}.`);
  const seen = new Set<number>();
  for (const [at, result] of results.entries()) {
    const where = `results.${at}`;
    if (result.response >= conversation.responses.length || seen.has(result.response))
      refuse(`${where}.response`, 'must be the index of a response, each once.');
    seen.add(result.response);
    for (const key of ['rewards', 'adjustedRewards', 'gateLogits', 'gateWeights', 'coefficients'] as const)
      if (result[key].length !== k) refuse(`${where}.${key}`, `must have ${k} numbers, has ${result[key].length}.`);
    for (let j = 0; j < k; j++) {
      const column = result.rewards.map((_, i) => model.transform[i * k + j] ?? Number.NaN);
      if (!agrees(result.rewards, column, result.adjustedRewards[j]))
        refuse(`${where}.adjustedRewards.${j}`, 'is not what rewards and transform make (Eq 2).');
    }
    if (!agrees(result.gateWeights, result.adjustedRewards, result.score))
      refuse(`${where}.score`, 'is not what gate weights and adjusted rewards make (Eq 4).');
    if (!agrees(result.coefficients, result.rewards, result.score))
      refuse(`${where}.coefficients`, 'do not make the score from the rewards.');
  }
}

/** Whether a · b is `expected`, to the tolerance of the sum's own terms. */
function agrees(a: readonly number[], b: readonly number[], expected: number | undefined): boolean {
  let sum = 0;
  let scale = 0;
  a.forEach((value, index) => {
    const term = value * (b[index] ?? Number.NaN);
    sum += term;
    scale += Math.abs(term);
  });
  return expected !== undefined && Math.abs(sum - expected) <= RELATIVE_TOLERANCE * Math.max(scale, 1e-3);
}

/** The text of a file; `JSON.parse` gives every number back exactly. */
export function writeInspectionFile(file: InspectionFile): string {
  return `${JSON.stringify(file, undefined, 1)}\n`;
}
