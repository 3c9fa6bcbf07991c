/**
 * A chart on the page as one self-contained SVG: every `svg` and `canvas` of its container in its place, with the colours and
 * fonts the page computed for it, a background, the title, the summary and the legend. A canvas becomes an embedded image.
 *
 * Fonts are named, not embedded: they are the system's own. HTML inside the chart is not drawn; a part that should not be
 * exported carries `data-export="none"`.
 */
import { markerPath, type MarkerShape } from './objective-language.ts';
import { pixels, plainColour, svgNode, svgText, type SvgNode } from './svg-text.ts';

export interface LegendEntry {
  readonly label: string;
  /** A CSS colour; variables are fine. */
  readonly colour: string;
  /** Dashes of the line, as `stroke-dasharray`. */
  readonly dash?: string | undefined;
  /** A marker instead of a line. */
  readonly shape?: MarkerShape;
  /** A box instead of a line, for bars: filled, or an outline as ghosts have. */
  readonly box?: true | 'outline';
}

export interface Picture {
  readonly text: string;
  readonly width: number;
  readonly height: number;
}

/** Inherited by children, so written only where they change. */
const inherited = [
  'fill-rule',
  'stroke-width',
  'stroke-dasharray',
  'stroke-linecap',
  'stroke-linejoin',
  'font-family',
  'font-size',
  'font-weight',
  'font-style',
  'text-anchor',
  'dominant-baseline',
  'letter-spacing',
  'paint-order',
] as const;

/** Written where they differ from their initial value. */
const own: Readonly<Record<string, string>> = {
  opacity: '1',
  'clip-path': 'none',
  mask: 'none',
  'stop-color': 'rgb(0, 0, 0)',
  'stop-opacity': '1',
};

/** What the page needs and a picture does not; presentation comes from the computed style instead. */
const dropped =
  /^(class|style|role|tabindex|focusable|xmlns|fill|stroke|fill-opacity|stroke-opacity|aria-.*|data-.*|on.*)$/;
const presentation: ReadonlySet<string> = new Set([...inherited, ...Object.keys(own)]);
/** Elements that draw nothing or nothing a picture can hold. */
const skipped = /^(foreignObject|script|style|a|animate.*|set)$/;

/** Nothing where nothing is inside. */
const empty: ReadonlySet<string> = new Set(['g', 'title', 'desc', 'defs', 'text', 'tspan']);

type Inherited = Readonly<Record<string, string>>;

function paintAttributes(style: CSSStyleDeclaration, paint: 'fill' | 'stroke'): Record<string, string | undefined> {
  const { colour, alpha } = plainColour(style.getPropertyValue(paint));
  const opacity = Number(style.getPropertyValue(`${paint}-opacity`)) * alpha;
  return { [paint]: colour, [`${paint}-opacity`]: opacity === 1 ? undefined : String(pixels(opacity)) };
}

/** The element as it looks on the page; undefined where nothing of it is seen. */
function readElement(element: Element, around: Inherited): SvgNode | undefined {
  if (skipped.test(element.tagName) || element.getAttribute('data-export') === 'none') return undefined;
  const style = getComputedStyle(element);
  if (style.display === 'none' || style.visibility === 'hidden') return undefined;
  const attributes: Record<string, string | undefined> = {};
  for (const { name, value } of element.attributes)
    if (!dropped.test(name) && !presentation.has(name)) attributes[name] = value;
  const mine: Record<string, string> = {};
  for (const name of inherited) {
    const value = style.getPropertyValue(name);
    mine[name] = value;
    if (value !== around[name]) attributes[name] = value;
  }
  for (const [name, initial] of Object.entries(own)) {
    const value = style.getPropertyValue(name);
    if (value !== '' && value !== initial) attributes[name] = plainColour(value).colour;
  }
  for (const paint of ['fill', 'stroke'] as const)
    for (const [name, value] of Object.entries(paintAttributes(style, paint))) {
      // An absent opacity stands for 1, which must be written where the parent's is another.
      const told = value ?? '1';
      mine[name] = told;
      if (told !== (around[name] ?? '1')) attributes[name] = told;
    }
  const children = [...element.childNodes].flatMap((child): (SvgNode | string)[] => {
    if (child instanceof Element) return [readElement(child, mine)].filter((node) => node !== undefined);
    const text = child.textContent ?? '';
    return child.nodeType === Node.TEXT_NODE && text.trim() !== '' ? [text] : [];
  });
  return empty.has(element.tagName) && children.length === 0
    ? undefined
    : svgNode(element.tagName, attributes, children);
}

function placed(element: Element, origin: DOMRect, top: number) {
  const box = element.getBoundingClientRect();
  return {
    x: pixels(box.left - origin.left),
    y: pixels(box.top - origin.top + top),
    width: pixels(box.width),
    height: pixels(box.height),
  };
}

/** Every drawing of the container, in document order, `top` pixels further down. */
function readDrawings(container: HTMLElement, top: number): SvgNode[] {
  const origin = container.getBoundingClientRect();
  const drawings = [...container.querySelectorAll('svg, canvas')].filter(
    (element) => element.parentElement?.closest('svg') === null && element.closest('[data-export="none"]') === null,
  );
  return drawings.flatMap((element): SvgNode[] => {
    const place = placed(element, origin, top);
    if (place.width === 0 || place.height === 0) return [];
    if (element instanceof HTMLCanvasElement)
      return [svgNode('image', { ...place, href: element.toDataURL('image/png') })];
    const node = readElement(element, {});
    if (node === undefined) return [];
    const viewBox = element.getAttribute('viewBox') ?? `0 0 ${place.width} ${place.height}`;
    return [svgNode('svg', { ...node.attributes, ...place, viewBox, overflow: 'visible' }, node.children)];
  });
}

/** `text` in lines that fit `width` in the font of `context`. */
function wrapped(context: CanvasRenderingContext2D, text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && context.measureText(`${last} ${word}`).width <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

const MARGIN = 16;
const TITLE_SIZE = 15;
const TEXT_SIZE = 11.5;
const LINE = 16;
const SWATCH = 18;

interface Words {
  readonly title: string;
  readonly summary: string;
  readonly legend: readonly LegendEntry[];
}

/** Title, summary and legend above the drawing, and the height they take. */
function readHeader(container: HTMLElement, words: Words, width: number): { nodes: SvgNode[]; height: number } {
  const style = getComputedStyle(container);
  const font = style.fontFamily;
  const ink = plainColour(style.color).colour;
  const context = document.createElement('canvas').getContext('2d');
  if (context === null) throw new Error('This browser gives no canvas to measure text with.');
  const text = (line: string, x: number, y: number, size: number, weight = 400) =>
    svgNode('text', { x, y: pixels(y), 'font-family': font, 'font-size': size, 'font-weight': weight, fill: ink }, [
      line,
    ]);
  const nodes = [text(words.title, 0, TITLE_SIZE, TITLE_SIZE, 600)];
  context.font = `${TEXT_SIZE}px ${font}`;
  let y = TITLE_SIZE + 6;
  for (const line of wrapped(context, words.summary, width)) {
    y += LINE;
    nodes.push(text(line, 0, y - 4, TEXT_SIZE));
  }
  let x = 0;
  const probe = document.createElement('span');
  container.append(probe);
  try {
    words.legend.forEach((entry, index) => {
      const wide = SWATCH + 6 + context.measureText(entry.label).width + 18;
      if (index === 0 || x + wide > width) {
        x = 0;
        y += LINE + 2;
      }
      probe.style.color = entry.colour;
      const { colour } = plainColour(getComputedStyle(probe).color);
      nodes.push(swatch(entry, colour, x, y - 8), text(entry.label, x + SWATCH + 6, y - 4, TEXT_SIZE));
      x += wide;
    });
  } finally {
    probe.remove();
  }
  return { nodes, height: y + 8 };
}

function swatch(entry: LegendEntry, colour: string, x: number, y: number): SvgNode {
  if (entry.shape !== undefined)
    return svgNode('path', {
      d: markerPath(entry.shape, 9),
      transform: `translate(${pixels(x + SWATCH / 2)},${pixels(y)})`,
      fill: colour,
      'fill-rule': 'evenodd',
    });
  if (entry.box !== undefined)
    return svgNode('rect', {
      x: x + 4.5,
      y: y - 4.5,
      width: 9,
      height: 9,
      fill: entry.box === true ? colour : 'none',
      stroke: colour,
    });
  const line = { x1: x, x2: x + SWATCH, y1: y, y2: y, stroke: colour, 'stroke-width': 2.5 };
  return svgNode('line', { ...line, 'stroke-dasharray': entry.dash });
}

/** The chart in `container` as a file of its own. */
export function readPicture(container: HTMLElement, words: Words): Picture {
  const box = container.getBoundingClientRect();
  const header = readHeader(container, words, box.width);
  const width = Math.ceil(box.width + 2 * MARGIN);
  const height = Math.ceil(box.height + header.height + 2 * MARGIN);
  const root = svgNode(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
    },
    [
      svgNode('title', {}, [words.title]),
      svgNode('desc', {}, [words.summary]),
      svgNode('rect', { width, height, fill: backgroundOf(container) }),
      svgNode('g', { transform: `translate(${MARGIN},${MARGIN})` }, [
        ...header.nodes,
        ...readDrawings(container, header.height),
      ]),
    ],
  );
  return { text: svgText(root), width, height };
}

/** The first background behind the chart that is not transparent. */
function backgroundOf(element: HTMLElement): string {
  for (let at: HTMLElement | null = element; at !== null; at = at.parentElement) {
    const { colour } = plainColour(getComputedStyle(at).backgroundColor);
    if (colour !== 'none') return colour;
  }
  return '#ffffff';
}

/** Twice the page's pixels: sharp on paper and on dense screens. */
const PNG_SCALE = 2;

/** The picture as PNG. Throws where the browser cannot draw it (a canvas larger than it allows). */
export async function pngOf({ text, width, height }: Picture): Promise<Blob> {
  const url = URL.createObjectURL(new Blob([text], { type: 'image/svg+xml' }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = width * PNG_SCALE;
    canvas.height = height * PNG_SCALE;
    canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise<Blob | null>((resolve) => {
      canvas.toBlob(resolve, 'image/png');
    });
    if (blob === null)
      throw new Error(`This browser cannot draw a picture of ${canvas.width} × ${canvas.height} pixels.`);
    return blob;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** How long a browser may take to begin reading the file it was handed. */
const DOWNLOAD_START_MS = 30_000;

/** Hands the person a file. */
export function saveFile(name: string, blob: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), DOWNLOAD_START_MS);
}
