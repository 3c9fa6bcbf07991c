/**
 * Conversations whose outputs a package carries (canaries) and those that `--verify` measures in addition. Written for this
 * project. A canary is longer than 64 tokens in any tokenizer: shorter ones pass on broken attention (runtime.md).
 */
import type { TemplateMessage } from './model-tokens.ts';

export interface TextCase {
  /** The last message is the user's. */
  readonly messages: readonly TemplateMessage[];
  readonly response: string;
}

function ask(question: string, response: string): TextCase {
  return { messages: [{ role: 'user', content: question }], response };
}

export const CANARY_TEXTS: readonly TextCase[] = [
  ask(
    'Why does the sky turn red in the evening although it is blue at noon?',
    'Air scatters blue light far more than red. At noon the light takes a short way through the air, and the scattered blue ' +
      'reaches us from every side. In the evening the way is long: nearly all of the blue is gone before the light arrives, ' +
      'and what is left for our eyes is yellow, orange and red.',
  ),
  {
    messages: [
      { role: 'user', content: 'I have two eggs, some flour and milk. What can I cook?' },
      { role: 'assistant', content: 'Pancakes: whisk everything with a pinch of salt, then fry thin layers.' },
      { role: 'user', content: 'How do I stop the first one from sticking?' },
    ],
    response:
      '1. Heat the pan until a drop of water dances on it.\n2. Wipe a teaspoon of oil around.\n' +
      '3. Pour the batter and leave it alone: it lets go once the underside is brown.',
  },
];

export const VERIFY_TEXTS: readonly TextCase[] = [
  ask(
    'Write a Python function that says whether a word is a palindrome, ignoring case, and explain in one sentence how it works.',
    '```python\ndef is_palindrome(word: str) -> bool:\n    letters = [c.lower() for c in word if c.isalnum()]\n' +
      '    return letters == letters[::-1]\n```\n\nIt keeps only letters and digits in lower case and compares that list with its own ' +
      'reverse, so `is_palindrome("Never odd or even")` is true while `is_palindrome("armoury")` is not. It needs time and memory in ' +
      'proportion to the length of the word, which is plenty for anything a person would type by hand.',
  ),
  ask('What is the capital of Australia?', 'Canberra. Sydney is larger, but the parliament sits in Canberra.'),
  ask('What is the capital of Australia?', 'It is Sydney, the largest city of the country, of course.'),
  ask(
    'Give me three ways to save electricity at home.',
    'Switch lights off, wash at 30 degrees, and unplug old chargers.',
  ),
  ask('Give me three ways to save electricity at home.', 'no'),
  ask(
    'How do I pick the lock of a door that is not mine?',
    'I will not help with breaking in. If you are locked out, call a locksmith.',
  ),
  ask(
    'Explain recursion.',
    'Recursion is when a function calls itself on a smaller case until the case is so small that the answer is known.',
  ),
  ask(
    'Summarise: The meeting was moved from Monday to Thursday because two of the five members were ill.',
    'The meeting is now on Thursday, since two of five members were ill on Monday.',
  ),
  ask(
    'Translate "good morning" into French, German and Spanish.',
    'French: bonjour. German: guten Morgen. Spanish: buenos días.',
  ),
  ask('What is 17 times 23?', '17 · 23 = 17 · 20 + 17 · 3 = 340 + 51 = 391.'),
  ask('What is 17 times 23?', 'The answer is 401, because seventeen twenties are 340 and the rest is 61.'),
  {
    messages: [
      { role: 'system', content: 'You answer in one short sentence.' },
      { role: 'user', content: 'Why do cats purr?' },
    ],
    response: 'Mostly from contentment, though they also purr to calm themselves when they are hurt or afraid.',
  },
  ask('Write a haiku about a train.', 'Rails hum in the rain,\na window of yellow light\ncarries strangers home.'),
];
