/** What an example is: texts we wrote, and the claims its caption makes about how the embedded model reads them. */
import type { Claim } from './claims.ts';

export interface Example {
  /** In the address: `#/inspect?example=NAME`. */
  readonly name: string;
  readonly group: string;
  readonly title: string;
  /** What the texts are. Says nothing about the model: everything about it is a claim. */
  readonly about: string;
  readonly system?: string;
  /** User, assistant, …, user. */
  readonly turns: readonly string[];
  readonly responses: readonly string[];
  /** What the embedded model does with them, each checked by a test and, on the page, against the numbers on it. */
  readonly claims: readonly Claim[];
}
