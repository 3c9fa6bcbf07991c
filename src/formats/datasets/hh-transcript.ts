/**
 * Transcripts as Anthropic's HH-RLHF has them: `\n\nHuman: …\n\nAssistant: …`, the whole conversation in one text, with the
 * response to judge after the last `Assistant:`.
 */
import { fail } from '../conversation-fields.ts';
import type { Candidate, LineMessage } from '../conversation-fields.ts';

const turn = /\n\n(Human|Assistant):/g;

/** Whether a text begins as a transcript does. */
export function isTranscript(text: unknown): text is string {
  return typeof text === 'string' && /^\s*Human:/.test(text) && text.includes('\n\nAssistant:');
}

/**
 * The conversation and the response of a transcript. White space around a turn's text is layout and dropped.
 * @throws RowProblem where it does not begin with `Human:`, does not end with `Assistant:`, or a speaker speaks twice.
 */
export function readTranscript(value: unknown, field: string): Candidate {
  if (typeof value !== 'string') return fail('must be a text.', field);
  const text = `\n\n${value.trimStart()}`;
  const marks = [...text.matchAll(turn)];
  if (marks[0]?.index !== 0 || marks[0][1] !== 'Human') fail('must begin with "Human:".', field);
  const turns = marks.map((mark, i): LineMessage => {
    const content = text.slice(mark.index + mark[0].length, marks[i + 1]?.index).trim();
    return { role: mark[1] === 'Human' ? 'user' : 'assistant', content };
  });
  const twice = turns.findIndex(({ role }, i) => i > 0 && role === turns[i - 1]?.role);
  if (twice >= 0) fail(`turn ${twice + 1} is of the same speaker as the one before it.`, field);
  const last = turns.at(-1);
  if (last?.role !== 'assistant') return fail('must end with what the assistant says.', field);
  return { context: turns.slice(0, -1), text: last.content };
}
