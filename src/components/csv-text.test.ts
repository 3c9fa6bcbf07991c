import * as fc from 'fast-check';
import Papa from 'papaparse';
import { describe, expect, it } from 'vitest';
import { csvText } from './csv-text.ts';

describe('csvText', () => {
  it('quotes what needs quotes and leaves numbers whole', () => {
    expect(
      csvText(
        ['name', 'value, unit'],
        [
          ['a "b"\nc', 0.1 + 0.2],
          ['plain', undefined],
          ['', Number.NaN],
        ],
      ),
    ).toBe('name,"value, unit"\r\n"a ""b""\nc",0.30000000000000004\r\nplain,\r\n,\r\n');
  });
  it('writes no cell that a spreadsheet would run', () => {
    for (const start of ['=', '+', '-', '@', '\t', '\r']) {
      const [line] = Papa.parse<string[]>(csvText([`${start}1+1`], [])).data;
      expect(line?.[0]).toBe(`'${start}1+1`);
    }
    expect(csvText(['x'], [[-1.5]])).toBe('x\r\n-1.5\r\n');
  });
  it('reads back with another parser: every text, every double', () => {
    const text = fc.string({ unit: 'grapheme' }).filter((value) => !/^[=+\-@\t\r]/.test(value));
    const rows = fc.array(fc.tuple(text, fc.double({ noNaN: true, noDefaultInfinity: true })), { minLength: 1 });
    fc.assert(
      fc.property(rows, (expected) => {
        const { data } = Papa.parse<string[]>(csvText(['a', 'b'], expected), { newline: '\r\n', delimiter: ',' });
        expect(data.slice(1, -1).map(([name, value]) => [name, Number(value)])).toEqual(
          expected.map(([name, value]) => [name, value === 0 ? 0 : value]),
        );
      }),
    );
  });
});
