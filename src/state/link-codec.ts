/**
 * What a link to this page carries: `#/<view>?s=<packed JSON>`, one versioned object with a section each for the model, the view,
 * the texts (only where the person chose so) and steering. Every section has its own schema; a link that does not fit is refused
 * as a whole and in words, so nothing of it is applied by halves.
 *
 * Nothing is sent anywhere when a link is made; but whoever has the link can read what it holds.
 */
import * as v from 'valibot';
import { FormatError } from '@/formats/errors.ts';
import { packJson, unpackJson } from '@/formats/packed-json.ts';
import { MAX_RESPONSES } from './conversation.ts';
import { linkSteeringSchema } from './steering-schema.ts';

export const LINK_VERSION = 1;
/** The parameter of the fragment's query that holds the packed state. */
export const LINK_PARAMETER = 's';

const text = v.pipe(v.string(), v.maxLength(1_000_000));
const name = v.pipe(v.string(), v.minLength(1), v.maxLength(200));

/** Which model the link's maker had: its package id, and where it can be loaded from. */
export const linkModelSchema = v.variant('from', [
  v.strictObject({ from: v.literal('embedded'), id: v.optional(name) }),
  v.strictObject({
    from: v.literal('url'),
    url: v.pipe(v.string(), v.maxLength(2000), v.check(isWebAddress, 'must be an http or https address')),
    id: v.optional(name),
  }),
  /** A folder of the maker's machine: it can be named, not fetched. */
  v.strictObject({ from: v.literal('folder'), name, id: v.optional(name) }),
]);

/** Name of the view as in the address, and the choices of it that are worth keeping. */
export const linkViewSchema = v.strictObject({
  name: v.pipe(v.string(), v.regex(/^[a-z][a-z-]{0,40}$/, 'must be the name of a view')),
  rewards: v.optional(v.picklist(['raw', 'adjusted', 'native'])),
});

/** Texts of a conversation: turns alternate and begin and end with the user's. */
export const conversationTextsSchema = v.strictObject({
  system: v.optional(text),
  turns: v.pipe(
    v.array(text),
    v.minLength(1),
    v.maxLength(999),
    v.check((turns) => turns.length % 2 === 1, 'must end with a turn of the user'),
    v.readonly(),
  ),
  responses: v.pipe(v.array(text), v.maxLength(MAX_RESPONSES), v.readonly()),
});

export const linkSchema = v.strictObject({
  v: v.literal(LINK_VERSION),
  model: linkModelSchema,
  view: linkViewSchema,
  conversation: v.optional(conversationTextsSchema),
  steering: v.optional(linkSteeringSchema),
});

export type LinkState = v.InferOutput<typeof linkSchema>;
export type LinkModel = v.InferOutput<typeof linkModelSchema>;

/** Why a link was not opened, in words for the person. */
export interface LinkProblem {
  readonly code: 'damaged' | 'other-version' | 'too-large' | 'not-valid';
  readonly message: string;
}

export type LinkResult =
  | { readonly ok: true; readonly state: LinkState }
  | { readonly ok: false; readonly problem: LinkProblem };
export type PackedLink =
  | { readonly ok: true; readonly packed: string }
  | { readonly ok: false; readonly problem: LinkProblem };

/** The value of `s` for a state. Refused when it would be too long to be opened again. */
export function encodeLink(state: LinkState): PackedLink {
  try {
    return { ok: true, packed: packJson(state) };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return {
      ok: false,
      problem: {
        code: 'too-large',
        message: 'These texts are too long for a link. Leave them out of it, or export the inspection as a file.',
      },
    };
  }
}

/** The state in a value of `s`. Never throws: whatever a stranger wrote there ends in a state or in words. */
export function decodeLink(packed: string): LinkResult {
  let value: unknown;
  try {
    value = unpackJson(packed);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    if (error.code === 'malformed')
      return refused('damaged', 'This link is damaged: a part of it is missing or was changed. Ask for it again.');
    return refused('too-large', 'This link is larger than any that Armoscope makes, so it was not opened.');
  }
  const version = versionOf(value);
  if (version !== undefined && version !== LINK_VERSION)
    return refused(
      'other-version',
      `This link is of version ${version}, and this page reads version ${LINK_VERSION}. ` +
        (version > LINK_VERSION ? 'Open it with a newer Armoscope.' : 'Make it anew from the page it came from.'),
    );
  const parsed = v.safeParse(linkSchema, value);
  if (parsed.success) return { ok: true, state: parsed.output };
  const [issue] = parsed.issues;
  const where = v.getDotPath(issue);
  return refused(
    'not-valid',
    `This link does not hold what a link of this page holds${where === null ? '' : ` (${where}: ${issue.message})`}. ` +
      'Nothing of it was applied.',
  );
}

/** `s` of the query of a fragment (`?s=…`, with or without the question mark); `undefined` where there is none. */
export function packedState(query: string): string | undefined {
  return new URLSearchParams(query).get(LINK_PARAMETER) ?? undefined;
}

function refused(code: LinkProblem['code'], message: string): LinkResult {
  return { ok: false, problem: { code, message } };
}

function versionOf(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null || !('v' in value)) return undefined;
  return typeof value.v === 'number' && Number.isFinite(value.v) ? value.v : undefined;
}

/** An address that a model may be loaded from; the page itself turns relative addresses into absolute ones. */
function isWebAddress(address: string): boolean {
  return URL.canParse(address) && /^https?:$/.test(new URL(address).protocol);
}
