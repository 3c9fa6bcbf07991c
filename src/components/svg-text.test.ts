import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainColour, svgNode, svgText } from './svg-text.ts';

describe('svgText', () => {
  it('nests, escapes, and leaves out what is undefined', () => {
    const node = svgNode('svg', { width: 4, viewBox: undefined, 'aria-label': 'a "b" & <c>' }, [
      svgNode('text', { x: 1.5 }, ['1 < 2 & "so" on']),
      svgNode('path', { d: 'M0,0' }),
    ]);
    expect(svgText(node)).toBe(
      '<svg width="4" aria-label="a &quot;b&quot; &amp; &lt;c&gt;">' +
        '<text x="1.5">1 &lt; 2 &amp; &quot;so&quot; on</text><path d="M0,0"/></svg>',
    );
  });
  it('never lets a text become markup, and drops what XML cannot hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const written = svgText(svgNode('text', { title: text }, [text]));
        expect(written.match(/</g)).toHaveLength(2);
        expect(written.match(/>/g)).toHaveLength(2);
        expect(written).not.toMatch(/(?![\t\n\r])\p{Cc}|\p{Cs}/u);
      }),
    );
  });
});

describe('plainColour', () => {
  it.each([
    ['rgb(32, 38, 47)', '#20262f', 1],
    ['rgba(255, 0, 10, 0.5)', '#ff000a', 0.5],
    ['rgb(1 2 3 / 25%)', '#010203', 0.25],
    ['color(srgb 1 0.5 0 / 0.88)', '#ff8000', 0.88],
    ['color(srgb 1.2 -0.1 4e-3)', '#ff0001', 1],
    ['rgba(0, 0, 0, 0)', 'none', 1],
    ['transparent', 'none', 1],
    ['none', 'none', 1],
    ['url("#stripes")', 'url(#stripes)', 1],
    ['url("http://localhost/#/steer#stripes")', 'url(#stripes)', 1],
  ])('%s', (computed, colour, alpha) => expect(plainColour(computed)).toEqual({ colour, alpha }));
});
