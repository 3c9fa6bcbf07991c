import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readChunks, readLines } from './jsonl.ts';
import type { TextLine } from './jsonl.ts';
import { memorySource } from './memory-source.ts';

const encode = (text: string) => new TextEncoder().encode(text);

async function lines(chunks: Iterable<Uint8Array>, maxLineBytes?: number): Promise<TextLine[]> {
  const result: TextLine[] = [];
  for await (const line of readLines(chunks, maxLineBytes === undefined ? {} : { maxLineBytes })) result.push(line);
  return result;
}

describe('readLines', () => {
  it('counts every line and leaves out blank ones; LF, CRLF, a byte-order mark and no last newline', async () => {
    expect(await lines([encode('\ufeffa\r\n\n  \nb\ufeff\nlast')])).toEqual([
      { line: 1, text: 'a' },
      { line: 4, text: 'b\ufeff' },
      { line: 5, text: 'last' },
    ]);
    expect(await lines([])).toEqual([]);
    expect(await lines([encode('\n\n')])).toEqual([]);
  });

  it('reports a line that is not UTF-8 and goes on', async () => {
    const bytes = new Uint8Array([0x61, 0x0a, 0xff, 0xfe, 0x0a, 0x62, 0x0a]);
    expect(await lines([bytes])).toEqual([
      { line: 1, text: 'a' },
      { line: 2, error: 'the line is not valid UTF-8.' },
      { line: 3, text: 'b' },
    ]);
  });

  it('reports a line over the limit, with its length, without holding it, and goes on', async () => {
    const chunks = [
      encode('ok\n'),
      ...Array.from({ length: 1000 }, () => encode('x'.repeat(100))),
      encode('\n1234567890\n12345678901\n'),
    ];
    expect(await lines(chunks, 10)).toEqual([
      { line: 1, text: 'ok' },
      { line: 2, error: 'the line is 100000 bytes long, the limit is 10.' },
      { line: 3, text: '1234567890' },
      { line: 4, error: 'the line is 11 bytes long, the limit is 10.' },
    ]);
  });

  it('gives the same lines however the bytes are cut, also when the cutter reuses its buffer', async () => {
    const property = fc.asyncProperty(
      fc.string({ unit: 'binary' }),
      fc.integer({ min: 1, max: 7 }),
      async (text, size) => {
        const bytes = encode(text.replaceAll('x', '\n'));
        function* reusing() {
          const buffer = new Uint8Array(size);
          for (let at = 0; at < bytes.length; at += size) {
            const piece = bytes.subarray(at, at + size);
            buffer.set(piece);
            yield buffer.subarray(0, piece.length);
          }
        }
        return JSON.stringify(await lines(reusing())) === JSON.stringify(await lines([bytes]));
      },
    );
    expect(await fc.check(property, { numRuns: 500 })).toMatchObject({ failed: false });
  });

  it('streams a source', async () => {
    const text = Array.from({ length: 50_000 }, (_, i) => `line ${i} ${'é'.repeat(i % 40)}`).join('\n');
    let count = 0;
    for await (const line of readLines(readChunks(memorySource('f', encode(text))))) {
      if (!('text' in line) || !line.text.startsWith(`line ${line.line - 1} `)) throw new Error(JSON.stringify(line));
      count += 1;
    }
    expect(count).toBe(50_000);
  });
});
