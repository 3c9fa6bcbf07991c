/**
 * A JSON value as text for an address: checksum and deflated JSON in base64url. Made to be read from strangers' links, so
 * unpacking is bounded: neither a long text nor a small one that inflates without end costs more than the limits say.
 */
import { Inflate, deflateSync } from 'fflate';
import { FormatError } from './errors.ts';

/** Longest packed text that is unpacked. Browsers take addresses of about two million characters; no inspection needs a tenth. */
export const MAX_PACKED_LENGTH = 200_000;
/** Longest JSON that a packed text may hold, in bytes. */
export const MAX_UNPACKED_BYTES = 2_000_000;

/** Deflate's largest ratio is 1032:1, so a slice of this size gives at most 0.53 MB before the limit is looked at again. */
const SLICE_BYTES = 512;

/** Deflate alone does not notice a changed character; the texts would come back changed without a word. */
const CHECKSUM_BYTES = 4;

const WHERE = 'the link';

/** @returns characters of `A-Z a-z 0-9 - _` only. @throws FormatError `unsupported` when the result would not be unpacked again. */
export function packJson(value: unknown): string {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  const deflated = deflateSync(bytes, { level: 9 });
  const whole = new Uint8Array(CHECKSUM_BYTES + deflated.length);
  new DataView(whole.buffer).setUint32(0, checksum(bytes));
  whole.set(deflated, CHECKSUM_BYTES);
  const packed = toBase64Url(whole);
  if (bytes.length > MAX_UNPACKED_BYTES || packed.length > MAX_PACKED_LENGTH)
    throw new FormatError('unsupported', WHERE, 'its texts are too long for an address.', 'Export a file instead.');
  return packed;
}

/** @throws FormatError `unsupported` over the limits, `malformed` when the text is not what `packJson` writes. */
export function unpackJson(text: string): unknown {
  if (text.length > MAX_PACKED_LENGTH)
    throw new FormatError(
      'unsupported',
      WHERE,
      `is ${text.length} characters long, the limit is ${MAX_PACKED_LENGTH}.`,
    );
  const packed = fromBase64Url(text);
  if (packed.length <= CHECKSUM_BYTES) throw damaged();
  const bytes = inflateBounded(packed.subarray(CHECKSUM_BYTES));
  if (checksum(bytes) !== new DataView(packed.buffer).getUint32(0)) throw damaged();
  const json = decodeUtf8(bytes);
  try {
    return JSON.parse(json) as unknown;
  } catch {
    throw damaged();
  }
}

/** FNV-1a, 32 bits. */
function checksum(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

function damaged(): FormatError {
  return new FormatError('malformed', WHERE, 'is damaged: a part of it is missing or was changed on its way.');
}

function inflateBounded(bytes: Uint8Array): Uint8Array {
  const chunks: Uint8Array[] = [];
  let total = 0;
  let ended = false;
  const inflate = new Inflate((chunk, final) => {
    total += chunk.length;
    ended ||= final;
    if (total > MAX_UNPACKED_BYTES)
      throw new FormatError('unsupported', WHERE, `holds more than ${MAX_UNPACKED_BYTES} bytes.`);
    // The library reuses its window, so a chunk is only safe to keep as a copy.
    chunks.push(chunk.slice());
  });
  try {
    for (let at = 0; at < bytes.length; at += SLICE_BYTES)
      inflate.push(bytes.subarray(at, at + SLICE_BYTES), at + SLICE_BYTES >= bytes.length);
  } catch (error) {
    throw error instanceof FormatError ? error : damaged();
  }
  if (!ended) throw damaged();
  const whole = new Uint8Array(total);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw damaged();
  }
}

function toBase64Url(bytes: Uint8Array): string {
  let binary = '';
  // In slices: every argument of one call takes a place on the stack.
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) throw damaged();
  try {
    return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
  } catch {
    throw damaged();
  }
}
