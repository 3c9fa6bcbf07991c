/** JSON that the person pasted, picked or dropped: a whole inspection or a conversation, put on the page. */
import { FormatError } from '@/formats/errors.ts';
import { isInspectionFile } from '@/formats/inspection-kind.ts';
import { conversationOf, conversationTexts } from '@/state/conversation.ts';
import { openInspection } from '@/state/inspection-exchange.ts';
import { openConversation, useInspect } from '@/state/inspect-store.ts';

/**
 * Opens what the text holds. @param name of the file, where it came from one.
 * @returns why it was not opened, in words; what is on the page stays then. `undefined`: it was opened.
 */
export async function importText(json: string, name: string | undefined): Promise<string | undefined> {
  const [{ readConversationJson }, { readInspectionFile }] = await Promise.all([
    import('@/formats/conversation-json.ts'),
    import('@/formats/inspection-file.ts'),
  ]);
  if (claimsInspection(json)) {
    try {
      openInspection(readInspectionFile(json, name ?? 'The text'), { kind: 'file', name: name ?? 'pasted text' });
      return undefined;
    } catch (cause) {
      if (cause instanceof FormatError) return cause.message;
      throw cause;
    }
  }
  const result = readConversationJson(json);
  if (!result.ok) return name === undefined ? result.message : `${name}: ${result.message}`;
  const { system, turns, responses } = result.conversation;
  // Responses alone answer the conversation that is on the page.
  const texts =
    turns === undefined
      ? { ...conversationTexts(useInspect.getState().conversation), responses }
      : { ...(system === undefined ? {} : { system }), turns, responses };
  openConversation(conversationOf(texts), {
    origin: name === undefined ? { kind: 'paste' } : { kind: 'file', name },
  });
  return undefined;
}

function claimsInspection(json: string): boolean {
  try {
    return isInspectionFile(JSON.parse(json));
  } catch {
    return false;
  }
}
