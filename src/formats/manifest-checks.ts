/**
 * From parsed JSON to a trusted `Manifest`: the schema field by field, then everything a schema cannot say (lengths that
 * must agree, ranges that must cover, names that must differ). Every error names the key path inside `armoscope.json`.
 */
import * as v from 'valibot';
import { FormatError } from './errors.ts';
import { isJsonObject } from './json-file.ts';
import { MANIFEST_FILE, MANIFEST_FORMAT_VERSION, manifestSchema } from './manifest.ts';
import type { Canary, FileEntry, Manifest } from './manifest.ts';

/** Canaries must be longer than this, or a broken attention passes them (32-token subgroup path; 64 leaves room). */
export const CANARY_MIN_TOKENS = 65;

function refuse(path: string, what: string): never {
  throw new FormatError('malformed', path === '' ? MANIFEST_FILE : `${MANIFEST_FILE}: ${path}`, what);
}

/** Validates everything about a manifest that can be told without its files. @throws FormatError naming the key path. */
export function validateManifest(value: unknown): Manifest {
  if (!isJsonObject(value)) refuse('', 'must be a JSON object.');
  if (value['formatVersion'] !== MANIFEST_FORMAT_VERSION)
    throw new FormatError(
      typeof value['formatVersion'] === 'number' ? 'unsupported' : 'malformed',
      `${MANIFEST_FILE}: formatVersion`,
      `must be ${MANIFEST_FORMAT_VERSION}, not ${describe(value['formatVersion'])}.`,
      'Convert the checkpoint again with this version.',
    );
  const result = v.safeParse(manifestSchema, value, { abortEarly: true });
  if (!result.success) {
    const issue = result.issues[0];
    refuse(pathOf(issue.path ?? []), sentence(issue));
  }
  const manifest = result.output;
  checkArchitecture(manifest);
  checkObjectives(manifest);
  checkTokens(manifest);
  checkStages(manifest);
  checkFiles(manifest);
  for (const [i, canary] of manifest.canaries.entries()) checkCanary(manifest, canary, `canaries[${i}]`);
  // An engine proves a device on canaries; without one no score could ever be shown.
  if (manifest.canaries.length === 0) refuse('canaries', 'must hold at least one canary.');
  return manifest;
}

/** Every file the manifest names, in reading order: embedding, stages, heads, tokenizer. */
export function manifestFiles(manifest: Manifest): { readonly path: string; readonly entry: FileEntry }[] {
  return [
    { path: 'embedding', entry: manifest.embedding },
    ...manifest.stages.flatMap((stage, i) => [
      { path: `stages[${i}].graph`, entry: stage.graph },
      ...stage.data.map((entry, j) => ({ path: `stages[${i}].data[${j}]`, entry })),
    ]),
    { path: 'heads', entry: manifest.heads },
    { path: 'tokenizer', entry: manifest.tokenizer },
    { path: 'tokenizerConfig', entry: manifest.tokenizerConfig },
  ];
}

function pathOf(items: readonly { readonly key: unknown }[]): string {
  let path = '';
  for (const { key } of items) {
    if (typeof key === 'number') path += `[${key}]`;
    else {
      const name = String(key);
      const plain = /^[A-Za-z_$][\w$]{0,80}$/.test(name) ? name : undefined;
      path += plain === undefined ? `[${JSON.stringify(name.slice(0, 80))}]` : `${path === '' ? '' : '.'}${plain}`;
    }
  }
  return path;
}

function sentence(issue: v.BaseIssue<unknown>): string {
  if (issue.expected === 'never') return 'is not a key of format version 1.';
  if (issue.received === 'undefined') return 'is missing.';
  if (issue.kind === 'schema' && issue.expected !== null)
    return `must be ${issue.expected}, not ${short(issue.received)}.`;
  if (issue.message.startsWith('must ')) return `${issue.message}, not ${describe(issue.input)}.`;
  if (issue.type === 'integer') return `must be a whole number, not ${describe(issue.input)}.`;
  if (issue.type === 'min_length' || issue.type === 'max_length')
    return `must have length ${issue.expected}, not ${lengthOf(issue.input)}.`;
  return issue.expected === null ? `${issue.message}.` : `must be ${issue.expected}, not ${describe(issue.input)}.`;
}

function lengthOf(value: unknown): number {
  return typeof value === 'string' || Array.isArray(value) ? value.length : 0;
}

function short(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'object') return value === null ? 'null' : Array.isArray(value) ? 'an array' : 'an object';
  return short(JSON.stringify(value) ?? typeof value);
}

function checkArchitecture({ architecture: a }: Manifest): void {
  if (a.attentionHeads % a.keyValueHeads !== 0)
    refuse(
      'architecture.keyValueHeads',
      `must divide attentionHeads: ${a.attentionHeads} heads cannot share ${a.keyValueHeads} key-value heads.`,
    );
  if (a.headDim % 2 !== 0) refuse('architecture.headDim', `must be even to be rotated in pairs, not ${a.headDim}.`);
  const scaling = a.rope.scaling;
  if (scaling !== undefined && scaling.lowFreqFactor >= scaling.highFreqFactor)
    refuse('architecture.rope.scaling.highFreqFactor', `must be above lowFreqFactor ${scaling.lowFreqFactor}.`);
}

function checkObjectives(manifest: Manifest): void {
  const k = manifest.objectives.length;
  const names = new Map<string, number>();
  for (const [i, { name }] of manifest.objectives.entries()) {
    const before = names.get(name);
    if (before !== undefined)
      refuse(`objectives[${i}].name`, `${JSON.stringify(name)} is also the name of objectives[${before}].`);
    names.set(name, i);
  }
  checkIndices('verbosityDimensions', manifest.verbosityDimensions, k, 'objectives');
  if (manifest.activeObjectives !== undefined) {
    checkIndices('activeObjectives', manifest.activeObjectives, k, 'objectives');
    if (manifest.activeObjectives.length === 0) refuse('activeObjectives', 'must name at least one objective.');
  }
  if (manifest.referenceMeans !== undefined) checkLength('referenceMeans', manifest.referenceMeans, k);
}

function checkIndices(path: string, indices: readonly number[], limit: number, of: string): void {
  const seen = new Set<number>();
  for (const [i, index] of indices.entries()) {
    if (index >= limit) refuse(`${path}[${i}]`, `must be below ${limit} (the number of ${of}), not ${index}.`);
    if (seen.has(index)) refuse(`${path}[${i}]`, `${index} occurs twice.`);
    seen.add(index);
  }
}

function checkLength(path: string, values: readonly number[], k: number): void {
  if (values.length !== k) refuse(path, `must have one entry per objective: ${k}, not ${values.length}.`);
}

function checkTokens(manifest: Manifest): void {
  const { vocabSize } = manifest.architecture;
  const { bosId, endOfTurnId } = manifest.tokens;
  if (bosId !== undefined) checkToken('tokens.bosId', bosId, vocabSize);
  checkToken('tokens.endOfTurnId', endOfTurnId, vocabSize);
  const { rule } = manifest.gate;
  if (rule.kind === 'last-pattern')
    for (const [i, id] of rule.tokenIds.entries()) checkToken(`gate.rule.tokenIds[${i}]`, id, vocabSize);
}

function checkToken(path: string, id: number, vocabSize: number): void {
  if (id >= vocabSize) refuse(path, `must be below architecture.vocabSize ${vocabSize}, not ${id}.`);
}

function checkStages({ stages, architecture }: Manifest): void {
  let layer = 0;
  for (const [i, stage] of stages.entries()) {
    if (stage.firstLayer !== layer)
      refuse(`stages[${i}].firstLayer`, `must be ${layer}, where the stage before ends, not ${stage.firstLayer}.`);
    if (stage.endLayer <= stage.firstLayer)
      refuse(`stages[${i}].endLayer`, `must be above firstLayer ${stage.firstLayer}, not ${stage.endLayer}.`);
    layer = stage.endLayer;
  }
  if (layer !== architecture.layers)
    refuse(
      `stages[${stages.length - 1}].endLayer`,
      `must be architecture.layers ${architecture.layers}, not ${layer}: the stages must cover every layer.`,
    );
}

function checkFiles(manifest: Manifest): void {
  // Case-insensitively: two names that differ in case are one file on some disks.
  const seen = new Map<string, string>([[MANIFEST_FILE, 'the manifest']]);
  for (const { path, entry } of manifestFiles(manifest)) {
    const before = seen.get(entry.file.toLowerCase());
    if (before !== undefined) refuse(`${path}.file`, `${JSON.stringify(entry.file)} is already ${before}.`);
    seen.set(entry.file.toLowerCase(), `the file of ${path}`);
  }
}

function checkCanary({ architecture, objectives, gate }: Manifest, canary: Canary, path: string): void {
  const k = objectives.length;
  if (canary.messages.at(-1)?.role !== 'assistant')
    refuse(`${path}.messages`, "must end with the assistant's message.");
  if (!canary.messages.some(({ role }) => role === 'user')) refuse(`${path}.messages`, "must hold a user's message.");
  if (canary.tokenIds.length < CANARY_MIN_TOKENS)
    refuse(`${path}.tokenIds`, `must hold at least ${CANARY_MIN_TOKENS} tokens, not ${canary.tokenIds.length}.`);
  if (canary.tokenIds.length > architecture.maxPositions)
    refuse(`${path}.tokenIds`, `holds ${canary.tokenIds.length} tokens, the model takes ${architecture.maxPositions}.`);
  for (const [i, id] of canary.tokenIds.entries()) checkToken(`${path}.tokenIds[${i}]`, id, architecture.vocabSize);
  for (const which of ['reference', 'own'] as const) {
    const outputs = canary[which];
    if (outputs === undefined) continue;
    checkLength(`${path}.${which}.rewards`, outputs.rewards, k);
    checkLength(`${path}.${which}.gateWeights`, outputs.gateWeights, k);
    // Σg = logitScale whatever the weights (armorm.md I4): a cheap proof that these outputs belong to this gate.
    const sum = outputs.gateWeights.reduce((total, weight) => total + weight, 0);
    if (Math.abs(sum - gate.logitScale) > 1e-3 * Math.max(1, Math.abs(gate.logitScale)))
      refuse(`${path}.${which}.gateWeights`, `must sum to gate.logitScale ${gate.logitScale}, not ${sum}.`);
  }
}
