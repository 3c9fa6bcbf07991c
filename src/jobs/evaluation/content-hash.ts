/** What makes two scorings the same: the model, the conversation, the response. Equal hashes are never scored twice. */
import { createSHA256 } from 'hash-wasm';
import type { LineMessage } from '@/formats/conversation-fields.ts';

/** Hex digits kept: 128 bits, so that among 10⁹ texts a chance collision has probability 10⁻²¹. */
export const HASH_DIGITS = 32;

export type ContentHasher = (messages: readonly LineMessage[], response: string) => string;

/** @param modelId a package id, which is itself a hash of the package's files. */
export async function contentHasher(modelId: string): Promise<ContentHasher> {
  const sha256 = await createSHA256();
  return (messages, response) => {
    // JSON keeps the parts apart, whatever they contain.
    const text = JSON.stringify([modelId, messages.map(({ role, content }) => [role, content]), response]);
    sha256.init();
    sha256.update(text);
    return sha256.digest('hex').slice(0, HASH_DIGITS);
  };
}
