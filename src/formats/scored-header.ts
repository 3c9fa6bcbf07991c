/**
 * What a scored file says about itself: the first line of JSONL and CSV exports, and a key of Parquet's metadata.
 */
import { isJsonObject } from './json-file.ts';
import { FormatError } from './errors.ts';
import type { ScoredHead, ScoredSet } from '@/core/scored-set.ts';
import type { ScoredSetOptions } from './scored-rows.ts';

/** The member, or metadata key, that holds it. */
export const HEADER_KEY = 'armoscope';
const KIND = 'scored-set';
const VERSION = 1;

/** The header as JSON text; every f64 in it reads back to the bit. */
export function scoredHeaderText({ objectives, modelId, head }: ScoredSet): string {
  const parts = [
    `"kind":${JSON.stringify(KIND)}`,
    `"version":${VERSION}`,
    ...(modelId === undefined ? [] : [`"model":${JSON.stringify(modelId)}`]),
    `"objectives":${JSON.stringify(objectives)}`,
    ...(head === undefined ? [] : [`"head":${headText(head)}`]),
  ];
  return `{${parts.join(',')}}`;
}

function headText({ transform, temperature, logitScale, activeObjectives }: ScoredHead): string {
  const parts = [
    `"transform":${exactNumbers(transform)}`,
    ...(temperature === undefined ? [] : [`"temperature":${exactNumber(temperature)}`]),
    ...(logitScale === undefined ? [] : [`"logitScale":${exactNumber(logitScale)}`]),
    ...(activeObjectives === undefined ? [] : [`"activeObjectives":${JSON.stringify(activeObjectives)}`]),
  ];
  return `{${parts.join(',')}}`;
}

/** A finite f64 as JSON that reads back to the same bits; `JSON.stringify` loses the sign of −0. */
export function exactNumber(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`${value} cannot be written as JSON`);
  return Object.is(value, -0) ? '-0' : String(value);
}

export function exactNumbers(values: Iterable<number>): string {
  return `[${Array.from(values, exactNumber).join(',')}]`;
}

/** @throws FormatError naming the part that is wrong. */
export function parseScoredHeader(
  value: unknown,
  where: string,
): ScoredSetOptions & { readonly objectives: readonly string[] } {
  const fail = (what: string, code: 'malformed' | 'unsupported' = 'malformed'): never => {
    throw new FormatError(code, where, what);
  };
  if (!isJsonObject(value) || value['kind'] !== KIND) return fail(`is not the header of a scored set.`);
  if (value['version'] !== VERSION)
    fail(`is version ${String(value['version'])} of the format; this program reads version ${VERSION}.`, 'unsupported');
  const { objectives, model, head } = value;
  if (!Array.isArray(objectives) || objectives.length === 0 || !objectives.every((name) => typeof name === 'string'))
    return fail('"objectives" must be an array of names.');
  if (new Set(objectives).size !== objectives.length) fail('"objectives" names one twice.');
  if (model !== undefined && typeof model !== 'string') return fail('"model" must be a text.');
  return {
    objectives,
    ...(model === undefined ? {} : { modelId: model }),
    ...(head === undefined ? {} : { head: parseHead(head, objectives.length, fail) }),
  };
}

function parseHead(value: unknown, k: number, fail: (what: string) => never): ScoredHead {
  if (!isJsonObject(value)) return fail('"head" must be an object.');
  const { transform, temperature, logitScale, activeObjectives } = value;
  const finite = (x: unknown): x is number => typeof x === 'number' && Number.isFinite(x);
  if (!Array.isArray(transform) || transform.length !== k * k || !transform.every(finite))
    return fail(`"head.transform" must be ${k * k} finite numbers.`);
  if (temperature !== undefined && !(finite(temperature) && temperature > 0))
    return fail('"head.temperature" must be a positive number.');
  if (logitScale !== undefined && !finite(logitScale)) return fail('"head.logitScale" must be a finite number.');
  const isIndex = (j: unknown): j is number => typeof j === 'number' && Number.isInteger(j) && j >= 0 && j < k;
  if (activeObjectives !== undefined && !(Array.isArray(activeObjectives) && activeObjectives.every(isIndex)))
    return fail(`"head.activeObjectives" must be indices below ${k}.`);
  return {
    transform: Float64Array.from(transform),
    ...(temperature === undefined ? {} : { temperature }),
    ...(logitScale === undefined ? {} : { logitScale }),
    ...(activeObjectives === undefined ? {} : { activeObjectives }),
  };
}
