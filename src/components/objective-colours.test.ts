import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const css = readFileSync(new URL('./objective-colours.css', import.meta.url), 'utf8');

type Triple = readonly [number, number, number];
type Matrix = readonly [Triple, Triple, Triple];

/** Machado, Oliveira, Fernandes 2009, severity 1.0, on linear RGB. */
const sights: Record<string, Matrix> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protan: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deutan: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritan: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function dot(row: Triple, value: Triple): number {
  return row[0] * value[0] + row[1] * value[1] + row[2] * value[2];
}

function linear(hex: string): Triple {
  const channel = (at: number) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

function seen(hex: string, sight: Matrix): Triple {
  const value = linear(hex);
  const clip = (x: number) => Math.min(1, Math.max(0, x));
  return [clip(dot(sight[0], value)), clip(dot(sight[1], value)), clip(dot(sight[2], value))];
}

/** Oklab (Ottosson 2020) from linear RGB. */
function oklab(value: Triple): Triple {
  const l = Math.cbrt(dot([0.4122214708, 0.5363325363, 0.0514459929], value));
  const m = Math.cbrt(dot([0.2119034982, 0.6806995451, 0.1073969566], value));
  const s = Math.cbrt(dot([0.0883024619, 0.2817188376, 0.6299787005], value));
  return [
    dot([0.2104542553, 0.793617785, -0.0040720468], [l, m, s]),
    dot([1.9779984951, -2.428592205, 0.4505937099], [l, m, s]),
    dot([0.0259040371, 0.7827717662, -0.808675766], [l, m, s]),
  ];
}

function contrast(a: string, b: string): number {
  const [low, high] = [a, b].map((hex) => dot([0.2126, 0.7152, 0.0722], linear(hex))).sort((x, y) => x - y);
  return ((high ?? 0) + 0.05) / ((low ?? 0) + 0.05);
}

function colours(rule: string, prefix: string): string[] {
  const body = css.split(rule)[1]?.split('}')[0] ?? '';
  return [...body.matchAll(new RegExp(`--${prefix}-([a-z]+): (#[0-9a-f]{6})`, 'g'))]
    .filter((match) => match[1] !== 'other')
    .map((match) => match[2] ?? '');
}

const schemes = [
  { scheme: 'light', rule: ':root {', background: '#ffffff' },
  { scheme: 'dark', rule: "[data-mantine-color-scheme='dark'] {", background: '#232831' },
];

describe.each(schemes)('in the $scheme scheme', ({ rule, background }) => {
  it.each([
    ['group', 5],
    ['response', 4],
  ])('%s colours keep apart for every sight and stand out', (prefix, count) => {
    const found = colours(rule, prefix);
    expect(found).toHaveLength(count);
    for (const [sight, matrix] of Object.entries(sights)) {
      found.forEach((a, i) =>
        found.slice(i + 1).forEach((b) => {
          const [p, q] = [oklab(seen(a, matrix)), oklab(seen(b, matrix))];
          const distance = Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
          expect(distance, `${a} and ${b} for ${sight} sight`).toBeGreaterThan(0.1);
        }),
      );
    }
    for (const colour of found) expect(contrast(colour, background), colour).toBeGreaterThan(3);
  });
});
