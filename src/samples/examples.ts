/** All examples, in the order of the gallery. Loaded when the gallery or a link asks for them. */
import type { Example } from './example.ts';
import { answerExamples } from './answer-examples.ts';
import { conversationExamples } from './conversation-examples.ts';
import { firstExample } from './first-example.ts';
import { lengthExamples } from './length-examples.ts';

export const examples: readonly Example[] = [
  firstExample,
  ...lengthExamples,
  ...answerExamples,
  ...conversationExamples,
];

export function exampleNamed(name: string): Example | undefined {
  return examples.find((example) => example.name === name);
}
