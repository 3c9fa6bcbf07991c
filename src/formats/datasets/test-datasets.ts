/** A small dataset of every layout, with texts of our own: for tests of the readers and of the command line. */
const jsonLines = (rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

const sky = 'Why is the sky blue?';
const good = 'Air scatters short waves more than long ones, and blue light is short.';
const bad = 'It reflects the sea.';

export const rewardBenchFile = jsonLines([
  {
    id: 1,
    prompt: sky,
    chosen: good,
    rejected: bad,
    subset: 'alpacaeval-easy',
    chosen_model: 'a',
    rejected_model: 'b',
  },
  { id: 2, prompt: 'Name a prime above ten.', chosen: 'Eleven.', rejected: 'Twelve.', subset: 'math-prm' },
  {
    id: 3,
    prompt: 'How do I end a process?',
    chosen: 'Use kill.',
    rejected: 'I cannot.',
    subset: 'xstest-should-respond',
  },
  { id: 4, prompt: 'Reverse a list in Rust.', chosen: 'v.reverse()', rejected: 'v.sort()', subset: 'hep-rust' },
]);

export const rmBenchFile = JSON.stringify([
  {
    id: 'chat/0',
    prompt: sky,
    chosen: ['Scattering.', good, `**Scattering.** ${good}`],
    rejected: ['The sea.', `${bad} It is wide.`, `**The sea.** ${bad}`],
    domain: 'chat',
  },
  {
    id: 'math/0',
    prompt: 'What is two and two?',
    chosen: ['Four.', 'Two and two make four.', '# Answer\n\n**Four**'],
    rejected: ['Five.', 'Two and two make five.', '# Answer\n\n**Five**'],
    domain: 'math',
  },
]);

export const hhFile = jsonLines([
  {
    chosen: `\n\nHuman: ${sky}\n\nAssistant: Shall I be brief?\n\nHuman: Yes.\n\nAssistant: ${good}`,
    rejected: `\n\nHuman: ${sky}\n\nAssistant: Shall I be brief?\n\nHuman: Yes.\n\nAssistant: ${bad}`,
  },
  { chosen: '\n\nHuman: Hello\n\nAssistant: Hello!', rejected: '\n\nHuman: Hello\n\nAssistant: Go away.' },
]);

export const ultraFeedbackFile = jsonLines([
  {
    source: 'evol_instruct',
    instruction: sky,
    models: ['a', 'b', 'c'],
    completions: [
      { model: 'a', response: good, 'fine-grained_score': 4.5, overall_score: 8, annotations: {} },
      { model: 'b', response: bad, 'fine-grained_score': 1.25, overall_score: 9, annotations: {} },
      { model: 'c', response: 'I do not know.', overall_score: 3, annotations: {} },
    ],
  },
]);

export const helpSteerFile = jsonLines([
  { prompt: sky, response: good, helpfulness: 4, correctness: 4, coherence: 4, complexity: 2, verbosity: 1 },
  { prompt: sky, response: bad, helpfulness: 0, correctness: 0, coherence: 4, complexity: 1, verbosity: 0 },
  {
    prompt: 'Name a colour.',
    response: 'Green.',
    helpfulness: 3,
    correctness: 4,
    coherence: 4,
    complexity: 0,
    verbosity: 0,
  },
]);

export const messagesFile = jsonLines([
  {
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: sky },
      { role: 'assistant', content: good },
    ],
  },
  {
    messages: [
      { role: 'user', content: sky },
      { role: 'assistant', content: bad },
    ],
  },
]);

export const preferenceFile = jsonLines([
  {
    input: { messages: [{ role: 'user', content: sky }], tools: [] },
    preferred_output: [{ role: 'assistant', content: good }],
    non_preferred_output: [{ role: 'assistant', content: bad }],
  },
]);

export const pairsFile = jsonLines([
  { prompt: sky, chosen: good, rejected: bad },
  {
    prompt: 'Hello',
    chosen: [
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: 'Hello!' },
    ],
    rejected: [
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: 'No.' },
    ],
    score_chosen: 9,
    score_rejected: 2.5,
  },
]);

/** Columns that no layout has. */
export const unknownFile = [
  'Key,User Prompt,Good Response,Bad Response,Topic',
  `7,${sky},"${good}","It reflects\nthe ""sea"".",physics`,
  '8,Say hello.,Hello!,No.,talk',
].join('\n');

/** Every layout that is recognised, by its name. */
export const datasetFiles: Readonly<Record<string, string>> = {
  'reward-bench': rewardBenchFile,
  'rm-bench': rmBenchFile,
  'hh-rlhf': hhFile,
  ultrafeedback: ultraFeedbackFile,
  helpsteer: helpSteerFile,
  'openai-messages': messagesFile,
  'openai-preference': preferenceFile,
  pairs: pairsFile,
};
