import { deflateSync } from 'fflate';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from './errors.ts';
import { MAX_PACKED_LENGTH, MAX_UNPACKED_BYTES, packJson, unpackJson } from './packed-json.ts';

/** As `packJson` would pack these bytes; `checksum` 0 where it does not come so far. */
function packed(bytes: Uint8Array, checksum = 0): string {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(checksum);
  return Buffer.concat([head, deflateSync(bytes, { level: 9 })]).toString('base64url');
}
const fnv = (bytes: Uint8Array) => bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193), 0x811c9dc5) >>> 0;

/** The value, or the typed refusal in words; anything else that is thrown is a failure. */
function outcome(text: string): { readonly value: unknown } | string {
  try {
    return { value: unpackJson(text) };
  } catch (error) {
    if (error instanceof FormatError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

describe('packed JSON', () => {
  it('comes back equal, whatever it is, and needs no escaping in an address', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        const packed = packJson(value);
        expect(packed).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(unpackJson(packed)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
  it('keeps half a surrogate pair', () => {
    expect(unpackJson(packJson('a\ud800b'))).toBe('a\ud800b');
  });
  it('is much shorter than its texts', () => {
    const text = 'Let the top few centimetres dry out before you water it again. '.repeat(40);
    expect(packJson({ text }).length).toBeLessThan(text.length / 10);
  });
});

describe('what was not packed so', () => {
  it('is refused where any character is lost or changed, or else means the same', () => {
    const value = { texts: ['one two three', 'four'], n: [1, 2.5, null, true] };
    const whole = packJson(value);
    const places = Array.from(whole, (_, at) => at);
    const changed = places.flatMap((at) =>
      ['A', 'z', '_', '!'].map((c) => whole.slice(0, at) + c + whole.slice(at + 1)),
    );
    const silent = [...places.map((at) => whole.slice(0, at)), ...changed].filter((text) => {
      const answer = outcome(text);
      if (typeof answer === 'string') return !answer.includes('is damaged');
      // The last character holds fewer than six bits of the text, so some changes change nothing.
      return JSON.stringify(answer.value) !== JSON.stringify(value);
    });
    expect(silent).toEqual([]);
    expect(changed.length).toBeGreaterThan(200);
  });
  it('gives only typed errors, never another throw', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String(),
          fc.uint8Array().map((bytes) => packed(bytes)),
        ),
        (text) => {
          expect(typeof outcome(text)).toMatch(/^(object|string)$/);
        },
      ),
    );
  });
  it('is refused when it is too long, packed or unpacked', () => {
    expect(outcome('A'.repeat(MAX_PACKED_LENGTH + 1))).toMatch(/^unsupported: .*characters long/);
    const bomb = packed(new Uint8Array(20 * MAX_UNPACKED_BYTES));
    expect(bomb.length).toBeLessThan(MAX_PACKED_LENGTH);
    expect(outcome(bomb)).toMatch(/^unsupported: .*holds more than/);
  });
  it('is refused when it is not UTF-8 or not JSON', () => {
    for (const bytes of [Uint8Array.of(0x22, 0xff, 0x22), new TextEncoder().encode('{"a":')])
      expect(outcome(packed(bytes, fnv(bytes)))).toMatch(/^malformed/);
    const right = new TextEncoder().encode('{"a":1}');
    expect(unpackJson(packed(right, fnv(right)))).toEqual({ a: 1 });
  });
  it('is not made in the first place when it could not be read', () => {
    const random = Array.from({ length: 60_000 }, (_, index) => Math.imul(index, 2654435761) >>> 0);
    expect(() => packJson(random)).toThrow(FormatError);
    expect(() => packJson(random)).toThrow('Export a file instead');
    expect(() => packJson('a'.repeat(MAX_UNPACKED_BYTES))).toThrow(FormatError);
  });
});
