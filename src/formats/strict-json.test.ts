import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonDecimal, parseStrictJson, StrictJsonError } from './strict-json.ts';
import type { StrictJson } from './strict-json.ts';

function plain(value: StrictJson): unknown {
  if (value instanceof JsonDecimal) return value.value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Map) {
    const result = Object.create(null) as Record<string, unknown>;
    for (const [key, item] of value as ReadonlyMap<string, StrictJson>) result[key] = plain(item);
    return result;
  }
  if (Array.isArray(value)) return value.map((item: StrictJson) => plain(item));
  return value ?? null;
}

function nullPrototypes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(nullPrototypes);
  if (typeof value !== 'object' || value === null) return value;
  const result = Object.create(null) as Record<string, unknown>;
  for (const [key, item] of Object.entries(value)) result[key] = nullPrototypes(item);
  return result;
}

function throwsStrictJsonError(text: string): boolean {
  try {
    parseStrictJson(text);
    return false;
  } catch (cause) {
    return cause instanceof StrictJsonError;
  }
}

describe('parseStrictJson', () => {
  it('agrees with JSON.parse on any JSON, but for half surrogate pairs', () => {
    const agrees = fc.property(fc.json({ maxDepth: 6 }), fc.constantFrom(undefined, 1, '\t'), (text, space) => {
      const value = JSON.parse(text) as unknown;
      const shown = JSON.stringify(value, undefined, space);
      try {
        return JSON.stringify(plain(parseStrictJson(shown))) === JSON.stringify(nullPrototypes(value));
      } catch (cause) {
        return String(cause).includes('surrogate');
      }
    });
    expect(fc.check(agrees, { numRuns: 500 })).toMatchObject({ failed: false });
  });

  it('refuses whatever JSON.parse refuses', () => {
    const put = fc.constantFrom('', ',', '}', '"', '\\', '0', '-', '\u0001', '.');
    const refuses = fc.property(fc.json(), fc.nat(), put, (text, position, replacement) => {
      const at = position % (text.length + 1);
      const broken = text.slice(0, at) + replacement + text.slice(at + 1);
      try {
        JSON.parse(broken);
        return true;
      } catch {
        return throwsStrictJsonError(broken);
      }
    });
    expect(fc.check(refuses, { numRuns: 1000 })).toMatchObject({ failed: false });
  });

  it.each([
    ['{"a":1,"a":1}', 'key "a" occurs twice at character 7'],
    ['{"a":{"b":1,"b":2}}', 'key "b" occurs twice'],
    ['["\\ud800"]', 'half a surrogate pair'],
    ['[01]', 'malformed number'],
    ['[1.]', 'malformed number'],
    ['[.5]', 'a value is expected'],
    ['[-]', 'malformed number'],
    ['[1e]', 'malformed number'],
    ['["\t"]', 'control character'],
    ['["\\x"]', 'unknown escape'],
    ['["\\u12g4"]', 'four hexadecimal digits'],
    ['[1,]', 'a value is expected'],
    ['{"a":1,}', 'a key in double quotes'],
    ['nul', 'a value is expected'],
    ['{} {}', 'unexpected text after'],
    ['\ufeff{}', 'a value is expected'],
    ['"abc', 'ends inside a string'],
    ['', 'the text ends'],
    ['['.repeat(200), 'nested deeper than 128'],
  ])('refuses %j', (text, message) => {
    expect(() => parseStrictJson(text)).toThrow(message);
  });

  it('keeps integers, decimals and integers beyond 2^53 apart', () => {
    expect(parseStrictJson('[2,2.0,2e0,-0,-3,9007199254740993,18446744073709551615]')).toEqual([
      2,
      new JsonDecimal(2),
      new JsonDecimal(2),
      new JsonDecimal(-0),
      -3,
      9007199254740993n,
      18446744073709551615n,
    ]);
  });

  it('keeps __proto__ a key', () => {
    const value = parseStrictJson('{"__proto__":{"x":1}}') as ReadonlyMap<string, unknown>;
    expect([...value.keys()]).toEqual(['__proto__']);
    expect(({} as { x?: number }).x).toBeUndefined();
  });
});
