/**
 * What can be computed from a text: sentences, readability, vocabulary, and statistics of program code. Pure.
 */

/** Words: runs of letters, digits and apostrophes. */
export function words(text: string): string[] {
  return text.match(/[\p{L}\p{N}'’]+/gu) ?? [];
}

/**
 * Splits prose into sentences with the white space that follows them, so that joining gives the text back.
 * Line breaks end a sentence too. Abbreviations are not known: a cut after "Dr." is accepted.
 */
export function sentences(text: string): string[] {
  return text.match(/[^.!?\n]*(?:[.!?]+["')\]]*|\n+|$)\s*/g)?.filter((part) => part.trim() !== '') ?? [];
}

/** Vowel groups, at least one: the usual estimate of English syllables. */
export function syllables(word: string): number {
  const groups = word
    .toLowerCase()
    .replace(/e$/, '')
    .match(/[aeiouy]+/g);
  return Math.max(1, groups?.length ?? 1);
}

/**
 * How demanding a text is to read, without its length: Flesch-Kincaid grade (Kincaid et al. 1975), mean word length and the
 * share of long words, each brought to roughly unit spread and averaged.
 * @returns unbounded, about −2 (child's talk) … 3 (a law); 0 for a text without words.
 */
export function readingComplexity(text: string): number {
  const found = words(text);
  if (found.length === 0) return 0;
  const count = found.length;
  const sentenceCount = Math.max(1, sentences(text).length);
  const grade = 0.39 * (count / sentenceCount) + 11.8 * (found.reduce((n, w) => n + syllables(w), 0) / count) - 15.59;
  const meanLength = found.reduce((n, w) => n + w.length, 0) / count;
  const longShare = found.filter((w) => w.length >= 8).length / count;
  // Centres and spreads of ordinary assistant prose, so that no one measure rules.
  const z = [(grade - 9) / 4.5, (meanLength - 4.7) / 0.7, (longShare - 0.22) / 0.1];
  return z.reduce((sum, value) => sum + Math.max(-3, Math.min(3, value)), 0) / z.length;
}

/** Contents of ``` fences, in order, without the fence lines. */
export function codeBlocks(text: string): string[] {
  return [...text.matchAll(/```[^\n]*\n([\s\S]*?)(?:```|$)/g)].map((match) => match[1] ?? '');
}

/** Comment texts of Python-, C- and shell-like code: `#`, `//`, block comments and docstrings. Strings may deceive it. */
export function codeComments(code: string): string[] {
  return code.match(/"""[\s\S]*?"""|'''[\s\S]*?'''|\/\*[\s\S]*?\*\/|(?:^|\s)(?:#|\/\/)(?![!]).*$/gm) ?? [];
}

const BRANCHES =
  /\b(?:if|elif|else|for|while|case|catch|except|try|switch|with|and|or|lambda|yield|await)\b|&&|\|\||\?/g;

/**
 * Structural complexity of code: branches (McCabe's count, roughly), deepest indentation, distinct identifiers and
 * non-empty lines, each on a log scale, averaged.
 * @returns ≥ 0; 0 for an empty text.
 */
export function codeComplexity(code: string): number {
  const bare = codeComments(code).reduce((text, comment) => text.replace(comment, ' '), code);
  const lines = bare.split('\n').filter((line) => line.trim() !== '');
  if (lines.length === 0) return 0;
  const branches = (bare.match(BRANCHES) ?? []).length;
  const depth = Math.max(
    ...lines.map((line) => (line.match(/^[ \t]*/)?.[0] ?? '').replaceAll('\t', '    ').length / 4),
  );
  const names = new Set(bare.match(/\b[A-Za-z_]\w*\b/g) ?? []).size;
  return (Math.log1p(branches) + Math.log1p(depth) + Math.log1p(names) / 2 + Math.log1p(lines.length) / 2) / 4;
}

/**
 * How much a code answer explains itself: words of comment and of prose outside the code for each line of code, log scale.
 * @returns ≥ 0; 0 for bare code.
 */
export function codeExplanation(text: string): number {
  const blocks = codeBlocks(text);
  const code = blocks.join('\n');
  const lines = code.split('\n').filter((line) => line.trim() !== '').length;
  if (lines === 0) return 0;
  const prose = words(text.replace(/```[^\n]*\n[\s\S]*?(?:```|$)/g, ' ')).length;
  const commentWords = codeComments(code).reduce((sum, comment) => sum + words(comment).length, 0);
  return Math.log1p((prose + 2 * commentWords) / lines);
}
