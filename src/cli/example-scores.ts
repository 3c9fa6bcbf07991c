/** Where the embedded package is, and an example as the engine takes it. */
import { fileURLToPath } from 'node:url';
import type { Message } from '@/engine/api/messages.ts';
import type { Example } from '@/samples/example.ts';

export const embeddedPackage = fileURLToPath(new URL('../../public/models/embedded/', import.meta.url));

export function exampleMessages({ system, turns }: Example): Message[] {
  const messages: Message[] = turns.map((content, index) => ({
    role: index % 2 === 0 ? 'user' : 'assistant',
    content,
  }));
  return system === undefined ? messages : [{ role: 'system', content: system }, ...messages];
}
