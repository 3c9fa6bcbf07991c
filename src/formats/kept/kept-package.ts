/**
 * What is known of a package that lies on this machine: where it came from, its files, and of every file which chunks are there, each
 * with its own SHA-256. One small JSON file a package, replaced at once or not at all, so that it is right after any crash.
 *
 * The chunks' hashes are what makes repair cheap: they are taken while a file is written, the whole file is then proven against the
 * manifest, and from then on a chunk whose hash is another one is the broken one.
 */
import * as v from 'valibot';

/** Bytes fetched, written and hashed as one piece. */
export const CHUNK_BYTES = 16 * 1024 * 1024;

const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const keptFileSchema = v.strictObject({
  file: v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/)),
  bytes: count,
  /** As the manifest says. */
  sha256,
  /** What the server called this version of the file. */
  revision: v.optional(v.string()),
  /** SHA-256 of every chunk that is there; empty for one that is not. */
  chunks: v.array(v.union([sha256, v.literal('')])),
  /** Chunks whose bytes were found not to be those that were written. */
  broken: v.array(count),
  /** Every chunk is there and the file as a whole has the manifest's SHA-256. */
  whole: v.boolean(),
});

const sourceSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('url'), url: v.string() }),
  v.strictObject({ kind: v.literal('folder'), name: v.string() }),
  v.strictObject({ kind: v.literal('conversion'), name: v.string() }),
]);

const keptPackageSchema = v.strictObject({
  version: v.literal(1),
  /** Name of its folder. */
  key: v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,199}$/)),
  /** The package's own name and identity. */
  name: v.string(),
  modelId: v.string(),
  source: sourceSchema,
  chunkBytes: v.pipe(count, v.minValue(1)),
  files: v.array(keptFileSchema),
  /** Written last: every file is whole, and the manifest lies beside them. */
  whole: v.boolean(),
  verifiedAt: v.optional(v.number()),
  /** Marked for deletion, in milliseconds since 1970; taken away some time after. */
  deletedAt: v.optional(v.number()),
});

export type KeptFile = v.InferOutput<typeof keptFileSchema>;
export type KeptPackage = v.InferOutput<typeof keptPackageSchema>;
export type KeptSource = KeptPackage['source'];

/** What was written before; `undefined` where it cannot be read, whatever it is. */
export function parseKeptPackage(text: string): KeptPackage | undefined {
  try {
    const parsed = v.safeParse(keptPackageSchema, JSON.parse(text));
    return parsed.success && parsed.output.files.every((file) => hasItsChunks(file, parsed.output.chunkBytes))
      ? parsed.output
      : undefined;
  } catch {
    return undefined;
  }
}

function hasItsChunks(file: KeptFile, chunkBytes: number): boolean {
  const chunks = chunkCount(file.bytes, chunkBytes);
  return file.chunks.length === chunks && file.broken.every((index) => index < chunks);
}

/** Chunks of a file; an empty file has none. */
export function chunkCount(bytes: number, chunkBytes: number): number {
  return Math.ceil(bytes / chunkBytes);
}

/** A file of which nothing is there yet. */
export function absentFile(
  entry: { readonly file: string; readonly bytes: number; readonly sha256: string },
  chunkBytes: number,
): KeptFile {
  const { file, bytes, sha256: whole } = entry;
  return {
    file,
    bytes,
    sha256: whole,
    chunks: Array.from({ length: chunkCount(bytes, chunkBytes) }, (): '' => ''),
    broken: [],
    whole: false,
  };
}

/** Length of one chunk; only the last is shorter. */
export function chunkLength(file: Pick<KeptFile, 'bytes'>, chunkBytes: number, index: number): number {
  return Math.min(chunkBytes, file.bytes - index * chunkBytes);
}

/** Bytes of the file that are there and not known to be broken. */
export function presentBytes(file: KeptFile, chunkBytes: number): number {
  if (file.whole) return file.bytes;
  let bytes = 0;
  for (const [index, hash] of file.chunks.entries())
    if (hash !== '' && !file.broken.includes(index)) bytes += chunkLength(file, chunkBytes, index);
  return bytes;
}

export type KeptState = 'whole' | 'partial' | 'broken';

export function fileState(file: KeptFile): KeptState {
  if (file.broken.length > 0) return 'broken';
  return file.whole ? 'whole' : 'partial';
}

export function packageState({ files, whole }: KeptPackage): KeptState {
  if (files.some((file) => fileState(file) === 'broken')) return 'broken';
  return whole ? 'whole' : 'partial';
}

export function totalBytes({ files }: Pick<KeptPackage, 'files'>): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
