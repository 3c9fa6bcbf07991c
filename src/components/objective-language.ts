/**
 * One visual language for the objectives: every group has one colour, one marker shape and one name in every view, and every
 * objective one short label. Colours are CSS variables (`objective-colours.css`).
 */

export type MarkerShape = 'circle' | 'square' | 'triangle' | 'diamond' | 'plus' | 'ring';

export interface GroupStyle {
  /** How the group is called in running text. */
  readonly label: string;
  readonly shape: MarkerShape;
  /** A CSS colour that follows the colour scheme. */
  readonly colour: string;
}

const knownGroups: Readonly<Record<string, GroupStyle>> = {
  helpsteer: { label: 'HelpSteer', shape: 'circle', colour: 'var(--group-helpsteer)' },
  ultrafeedback: { label: 'UltraFeedback', shape: 'square', colour: 'var(--group-ultrafeedback)' },
  safety: { label: 'Safety', shape: 'triangle', colour: 'var(--group-safety)' },
  judge: { label: 'Judge', shape: 'diamond', colour: 'var(--group-judge)' },
  code: { label: 'Code', shape: 'plus', colour: 'var(--group-code)' },
};

/** Groups this page does not know share a neutral colour and the ring; their label tells them apart. */
export function groupStyle(group: string): GroupStyle {
  return knownGroups[group.toLowerCase()] ?? { label: group, shape: 'ring', colour: 'var(--group-other)' };
}

export interface NamedObjective {
  readonly name: string;
  readonly group: string;
}

/** `helpsteer-` and `verbosity`: the data set an objective comes from, and what it measures. Joined they are the name. */
export function splitObjectiveName(name: string): readonly [prefix: string, rest: string] {
  const dash = name.indexOf('-');
  return dash <= 0 || dash === name.length - 1 ? ['', name] : [name.slice(0, dash + 1), name.slice(dash + 1)];
}

/**
 * The label beside a marker: `verbosity`. The group's colour and shape already say where it comes from; a prefix that is not
 * the group's name is kept (`argilla judge lm`), because nothing else would say it.
 */
export function shortObjectiveLabel({ name, group }: NamedObjective): string {
  const [prefix, rest] = splitObjectiveName(name);
  const source = prefix.replace(/-$/, '');
  const words = rest.replaceAll(/[-_]+/g, ' ');
  return source === '' || source.toLowerCase() === group.toLowerCase() ? words : `${source} ${words}`;
}

/** Short labels of objectives that stand together; where two would be the same, with the group they come from. */
export function distinctObjectiveLabels(objectives: readonly NamedObjective[]): string[] {
  const labels = objectives.map(shortObjectiveLabel);
  return labels.map((label, index) => {
    const { name, group } = objectives[index]!;
    if (labels.indexOf(label) === labels.lastIndexOf(label)) return label;
    const longer = `${group} ${label}`;
    return objectives.some((other, at) => at !== index && labels[at] === label && other.group === group)
      ? name
      : longer;
  });
}

/** `label` in lines of at most `width` characters, broken between words; a longer word keeps a line of its own. */
export function wrapLabel(label: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of label.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

type Point = readonly [x: number, y: number];

/** Corners of the polygons in units of the marker's radius, chosen so that all shapes look equally large. */
const corners: Readonly<Record<Exclude<MarkerShape, 'circle' | 'ring'>, readonly Point[]>> = {
  square: [
    [-0.85, -0.85],
    [0.85, -0.85],
    [0.85, 0.85],
    [-0.85, 0.85],
  ],
  triangle: [
    [0, -1.05],
    [1.05, 0.8],
    [-1.05, 0.8],
  ],
  diamond: [
    [0, -1.15],
    [1.15, 0],
    [0, 1.15],
    [-1.15, 0],
  ],
  plus: [
    [-0.36, -1.05],
    [0.36, -1.05],
    [0.36, -0.36],
    [1.05, -0.36],
    [1.05, 0.36],
    [0.36, 0.36],
    [0.36, 1.05],
    [-0.36, 1.05],
    [-0.36, 0.36],
    [-1.05, 0.36],
    [-1.05, -0.36],
    [-0.36, -0.36],
  ],
};

function circlePath(r: number): string {
  return `M${-r},0a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0Z`;
}

/** SVG path of a marker of about `size` pixels across, centred on the origin; fill it with the even-odd rule. */
export function markerPath(shape: MarkerShape, size: number): string {
  const r = size / 2;
  if (shape === 'circle') return circlePath(r * 0.95);
  if (shape === 'ring') return `${circlePath(r)}${circlePath(r / 2)}`;
  return `M${corners[shape].map(([x, y]) => `${(x * r).toFixed(2)},${(y * r).toFixed(2)}`).join('L')}Z`;
}

/** Line styles of responses in shared charts; letter, colour and dashes each tell them apart. */
export interface SeriesStyle {
  readonly colour: string;
  readonly dash: string | undefined;
}

const seriesStyles: readonly SeriesStyle[] = [
  { colour: 'var(--response-a)', dash: undefined },
  { colour: 'var(--response-b)', dash: '6 3' },
  { colour: 'var(--response-c)', dash: '2 3' },
  { colour: 'var(--response-d)', dash: '9 3 2 3' },
];

/** Most series one radar can carry and still be read. */
export const MAX_RADAR_SERIES = 4;

/** Style of the response at `index` (A is 0); from E on it is neutral, and only the letter is unique. */
export function seriesStyle(index: number): SeriesStyle {
  return seriesStyles[index] ?? { colour: 'var(--line-strong)', dash: undefined };
}
