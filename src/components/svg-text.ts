/** SVG as text: a small tree of elements, written without depending on a document. Pure. */

export interface SvgNode {
  readonly name: string;
  /** In the order they are written; an attribute that is undefined is left out. */
  readonly attributes: Readonly<Record<string, string | number | undefined>>;
  readonly children: readonly (SvgNode | string)[];
}

export function svgNode(
  name: string,
  attributes: SvgNode['attributes'] = {},
  children: readonly (SvgNode | string)[] = [],
): SvgNode {
  return { name, attributes, children };
}

/** XML 1.0 has no way to write most control characters, nor half of a surrogate pair, so they are dropped. */
const unwritable = /(?![\t\n\r])\p{Cc}|\p{Cs}|[\ufffe\uffff]/gu;

function escaped(text: string): string {
  return text
    .replaceAll(unwritable, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** Pixels to a hundredth; more would only be longer. */
export function pixels(value: number): number {
  return Number(value.toFixed(2));
}

/** The element and everything in it as XML. */
export function svgText({ name, attributes, children }: SvgNode): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escaped(String(value))}"`)
    .join('');
  if (children.length === 0) return `<${name}${written}/>`;
  const inside = children.map((child) => (typeof child === 'string' ? escaped(child) : svgText(child))).join('');
  return `<${name}${written}>${inside}</${name}>`;
}

export interface PlainColour {
  /** `#rrggbb`, `none`, or what was given where it is no colour (a pattern's address). */
  readonly colour: string;
  readonly alpha: number;
}

const number = String.raw`(-?[\d.]+(?:e-?\d+)?)`;
const rgbPattern = new RegExp(`^rgba?\\(${number}[, ]+${number}[, ]+${number}(?:[,/ ]+${number}(%?))?\\)$`);
const srgbPattern = new RegExp(`^color\\(srgb ${number} ${number} ${number}(?: / ${number}(%?))?\\)$`);

/**
 * A computed CSS colour as every program that reads SVG understands it: six hexadecimal digits and an opacity apart.
 * `color-mix` computes to `color(srgb …)`, which most of them do not know.
 */
export function plainColour(computed: string): PlainColour {
  if (computed === 'transparent') return { colour: 'none', alpha: 1 };
  const rgb = rgbPattern.exec(computed);
  const match = rgb ?? srgbPattern.exec(computed);
  if (match === null) return { colour: computed.replaceAll(/url\("?[^")]*(#[^"#)]+)"?\)/g, 'url($1)'), alpha: 1 };
  const scale = rgb === null ? 255 : 1;
  const hex = match
    .slice(1, 4)
    .map((channel) =>
      Math.round(Math.min(255, Math.max(0, Number(channel) * scale)))
        .toString(16)
        .padStart(2, '0'),
    )
    .join('');
  const alpha = match[4] === undefined ? 1 : Number(match[4]) / (match[5] === '%' ? 100 : 1);
  return alpha === 0 ? { colour: 'none', alpha: 1 } : { colour: `#${hex}`, alpha };
}
