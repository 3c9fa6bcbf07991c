/**
 * Built contrasts of code: an answer's code with its comments, names, layout or end spoiled, or another task's code. Pure and
 * seeded. The transformations are textual and made for Python and C-like code; what they cannot change they refuse.
 */
import { pick, seededRandom, shuffled } from './seeded.ts';
import { codeBlocks, codeComments } from './text-measures.ts';

export const CODE_CONTRASTS = ['comments', 'names', 'layout', 'cut', 'other-task', 'bare', 'talk'] as const;
export type CodeContrast = (typeof CODE_CONTRASTS)[number];

/** Names that are never renamed: keywords, builtins and conventional names of Python and JavaScript. */
const KEPT = new Set(
  (
    'and as assert async await break class const continue def del do elif else except export extends False finally for from ' +
    'function global if import in instanceof is lambda let new None nonlocal not null of or pass raise return self static super ' +
    'local struct public private protected final char string unsigned long short using namespace package begin end then ' +
    'switch this throw True true false try typeof undefined var void while with yield int str float list dict set tuple bool ' +
    'range len print sum min max abs sorted enumerate zip map filter open input main Exception ValueError TypeError'
  ).split(' '),
);

/** Words about code instead of code: two thirds for training, the rest for evaluation. */
const TALK = [
  'This can be done with a function. You would start by thinking about the input, then about the output, and then you would write the code between them.',
  'There are several ways to solve this in most languages. Pick the one you like, write it carefully, and test it until it works.',
  'First define what you need. Then implement it step by step. When everything is implemented, the program is finished.',
  'Programming tasks of this kind are common. The important thing is clean code, good names and a clear structure.',
  'You should use a loop here, or perhaps something else, depending on the data. After that it is only a matter of returning the result.',
  'The solution is quite simple once you see it: take the arguments, do the work, and give the value back.',
  'I would recommend reading the documentation of the language, which has examples for problems like this one.',
  'It is easy to write. Just translate the task into code line by line and run it.',
  'Good developers solve this quickly. They open the editor, type the function, and check that it behaves.',
];
/** Where the list is divided. */
const TALK_FOR_TRAINING = 6;

function replaceBlocks(text: string, change: (code: string) => string | undefined): string | undefined {
  let changed = false;
  const out = text.replace(/(```[^\n]*\n)([\s\S]*?)(```|$)/g, (_, open: string, code: string, close: string) => {
    const result = change(code);
    if (result === undefined || result === code) return `${open}${code}${close}`;
    changed = true;
    return `${open}${result}${close}`;
  });
  return changed ? out : undefined;
}

/** Code without comments and docstrings; lines that held nothing else are gone. */
export function stripComments(code: string): string | undefined {
  const comments = codeComments(code);
  if (comments.length === 0) return undefined;
  let out = code;
  for (const comment of comments) out = out.replace(comment, comment.startsWith('\n') ? '\n' : '');
  return out
    .split('\n')
    .filter((line, i, all) => line.trim() !== '' || (all[i - 1] ?? '').trim() !== '')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Names the code itself introduces: definitions, parameters, assignment and loop targets of three letters and more. */
export function introducedNames(code: string): string[] {
  const found = new Set<string>();
  const take = (text: string): void => {
    for (const [name] of text.matchAll(/\b[A-Za-z_]\w{2,}\b/g)) if (!KEPT.has(name)) found.add(name);
  };
  for (const match of code.matchAll(/\b(?:def|function|class)\s+(\w+)/g)) take(match[1] ?? '');
  for (const match of code.matchAll(/\b(?:def|function)\s+\w*\s*\(([^)]*)\)/g))
    for (const parameter of (match[1] ?? '').split(',')) take(/^\s*\*{0,2}(\w+)/.exec(parameter)?.[1] ?? '');
  for (const match of code.matchAll(/^\s*(?:(?:const|let|var|int|double|float|auto)\s+)?([\w, ]+?)\s*=(?!=)/gm))
    take(match[1] ?? '');
  for (const match of code.matchAll(/\bfor\s+\(?(?:const|let|var|int)?\s*([\w, ]+?)\s+(?:in|of)\b/g))
    take(match[1] ?? '');
  return [...found];
}

/** Every introduced name becomes a meaningless one. At least two, otherwise refused. */
export function spoilNames(code: string, random: () => number): string | undefined {
  const names = introducedNames(code);
  if (names.length < 2) return undefined;
  const numbers = shuffled(
    names.map((_, i) => i + 1),
    random,
  );
  const stems = random() < 0.5 ? ['x', 'x', 'x'] : ['a', 'tmp', 'q'];
  const fresh = new Map(names.map((name, i) => [name, `${stems[i % stems.length]}${numbers[i]}`]));
  // Attributes (after a dot) and keyword arguments of foreign calls keep their names only when not introduced here.
  return code.replace(/(?<![.\w])[A-Za-z_]\w{2,}\b/g, (name) => fresh.get(name) ?? name);
}

/** Blank lines gone, spaces around operators and after commas gone, indentation uneven. */
export function spoilLayout(code: string, random: () => number): string | undefined {
  const lines = code.split('\n').filter((line) => line.trim() !== '');
  if (lines.length < 4) return undefined;
  return `${lines
    .map((line) => {
      const indent = /^[ \t]*/.exec(line)?.[0] ?? '';
      const body = line
        .slice(indent.length)
        .replace(/ *([=+\-*/<>%,:]=?) */g, (_, operator: string) => (random() < 0.7 ? operator : ` ${operator}  `))
        .replace(/\( */g, '( ');
      const width = indent.replaceAll('\t', '    ').length;
      return `${' '.repeat(width === 0 ? 0 : Math.max(1, width + Math.floor(random() * 5) - 2))}${body}`;
    })
    .join('\n')}\n`;
}

function cutCode(code: string, random: () => number): string | undefined {
  const lines = code.split('\n');
  const filled = lines.filter((line) => line.trim() !== '').length;
  if (filled < 6) return undefined;
  const keep = Math.max(3, Math.floor(lines.length * (0.35 + 0.3 * random())));
  const last = lines[keep] ?? '';
  return [...lines.slice(0, keep), last.slice(0, Math.floor(last.length / 2))].join('\n');
}

/**
 * Builds the twin of an answer that holds fenced code.
 * @param seed decides every choice.
 * @param other for `other-task`: an answer to another programming prompt.
 * @param heldOut build `talk` with the phrases kept for evaluation.
 * @returns the spoiled answer, different from `text`, or `undefined` where this kind cannot be built from it.
 */
export function codeContrast(
  kind: CodeContrast,
  text: string,
  seed: string,
  other?: string,
  heldOut = false,
): string | undefined {
  const random = seededRandom(`${kind}:${seed}`);
  switch (kind) {
    case 'comments':
      return replaceBlocks(text, stripComments);
    case 'names':
      return replaceBlocks(text, (code) => spoilNames(code, random));
    case 'layout':
      return replaceBlocks(text, (code) => spoilLayout(code, random));
    case 'cut': {
      const block = codeBlocks(text)[0];
      const cut = block === undefined ? undefined : cutCode(block, random);
      if (block === undefined || cut === undefined) return undefined;
      return text.slice(0, text.indexOf(block)) + cut;
    }
    case 'other-task':
      return other === text ? undefined : other;
    case 'talk':
      return pick(heldOut ? TALK.slice(TALK_FOR_TRAINING) : TALK.slice(0, TALK_FOR_TRAINING), random);
    default: {
      // Only the code, uncommented: what explained it is gone.
      const blocks = codeBlocks(text);
      const prose = text.replace(/```[^\n]*\n[\s\S]*?(?:```|$)/g, '').trim();
      if (blocks.length === 0 || prose.length < 60) return undefined;
      return blocks.map((code) => `\`\`\`\n${(stripComments(code) ?? code).trimEnd()}\n\`\`\``).join('\n');
    }
  }
}
