/**
 * Renders a chat template as Python's Jinja2 does.
 *
 * The JavaScript engine's `trim` is `String.prototype.trim`; Python's is `str.strip`. They differ on six characters: Python
 * also strips U+001C–U+001F and U+0085, JavaScript also strips U+FEFF. Contents with such a character are rendered with
 * stand-ins that JavaScript treats as Python would treat the original, which are put back afterwards.
 */
import type { Template } from '@huggingface/jinja';

const onlyPythonStrips = ['\u001c', '\u001d', '\u001e', '\u001f', '\u0085'];
const onlyJavaScriptStrips = '\ufeff';
/** White space for both, rare enough in text that five of them are free. */
const strippedStandIns = Array.from(
  '\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u205f\u3000',
);
/** Private use: white space for neither. */
const keptStandIns = Array.from({ length: 64 }, (_, i) => String.fromCharCode(0xe000 + i));

/** @returns the rendered text. @throws whatever the template raises. */
export function renderTemplate(
  template: Template,
  messages: readonly { readonly role: string; readonly content: string }[],
  variables: Readonly<Record<string, unknown>>,
): string {
  const contents = messages.map(({ content }) => content).join('');
  if (![...onlyPythonStrips, onlyJavaScriptStrips].some((character) => contents.includes(character)))
    return template.render({ ...variables, messages: messages.map((message) => ({ ...message })) });

  const free = (candidates: readonly string[]) => candidates.filter((candidate) => !contents.includes(candidate));
  const replacements: (readonly [original: string, standIn: string])[] = [];
  const stripped = free(strippedStandIns);
  for (const original of onlyPythonStrips) {
    const standIn = contents.includes(original) ? stripped.pop() : undefined;
    if (standIn !== undefined) replacements.push([original, standIn]);
  }
  const kept = free(keptStandIns).at(0);
  if (kept !== undefined) replacements.push([onlyJavaScriptStrips, kept]);

  const rendered = template.render({
    ...variables,
    messages: messages.map((message) => ({
      ...message,
      content: replacements.reduce((text, [original, standIn]) => text.replaceAll(original, standIn), message.content),
    })),
  });
  return replacements.reduce((text, [original, standIn]) => text.replaceAll(standIn, original), rendered);
}
