/**
 * A model package: a folder whose `armoscope.json` names every other file with its length and SHA-256.
 * Nothing of a package is trusted before it has gone through here: manifest validated field by field, files proven by
 * length and hash, head tensors by name, shape and finiteness.
 */
import { createSHA256 } from 'hash-wasm';
import type { GateLayer, RewardHead } from '@/core/reward-head.ts';
import type { ByteSource, ChunkHashes, FileSet } from './byte-source.ts';
import { hashChunks } from './chunk-hashing.ts';
import { FormatError } from './errors.ts';
import { CHECK_CHUNK_BYTES, hashFile, type CheckOptions } from './file-hash.ts';
import { GatheredBlob } from './gathered-blob.ts';
import { readJsonFile } from './json-file.ts';
import { manifestFiles, validateManifest } from './manifest-checks.ts';
import { INCOMPLETE_FILE, MANIFEST_FILE } from './manifest.ts';
import type { FileEntry, Manifest } from './manifest.ts';
import { readSafetensorsHeader, readTensorAsFloat32, requireShape, tensorWhere } from './safetensors.ts';

/** Manifests are some tens of kilobytes; the limit keeps a hostile one from stalling the page. */
export const MAX_MANIFEST_BYTES = 4_000_000;
/** Files of fewer chunks are hashed before a worker has started. */
const SPREAD_FROM_CHUNKS = 4;

export interface ModelPackage {
  readonly manifest: Manifest;
  readonly files: FileSet;
}

/**
 * Reads and validates the manifest of a package; opens no other file.
 * @throws FormatError naming the file and key path.
 */
export async function openPackage(files: FileSet, signal?: AbortSignal): Promise<ModelPackage> {
  const source = await files.open(MANIFEST_FILE, signal);
  if (source === undefined) throw await noManifest(files, signal);
  const manifest = validateManifest(await readJsonFile(source, MAX_MANIFEST_BYTES, signal));
  const expected = await packageId(slugOf(manifest.id), packageHashes(manifest));
  if (manifest.id !== expected)
    throw new FormatError(
      'mismatch',
      `${MANIFEST_FILE}: id`,
      `must be ${JSON.stringify(expected)} for these file hashes, not ${JSON.stringify(manifest.id)}.`,
    );
  return { manifest, files };
}

async function noManifest(files: FileSet, signal: AbortSignal | undefined): Promise<FormatError> {
  // Whatever keeps the marker from being read, the manifest is what is missing.
  const incomplete = await files.open(INCOMPLETE_FILE, signal).catch(() => undefined);
  signal?.throwIfAborted();
  if (incomplete !== undefined)
    return new FormatError(
      'incomplete',
      files.name,
      'this is an incomplete conversion: it was interrupted, or the disk was full.',
      'Run the same conversion again: it finishes this package.',
    );
  return new FormatError(
    'missing-file',
    files.name,
    `there is no ${MANIFEST_FILE} here, so this is not a model package.`,
    'Choose the folder the converter wrote.',
  );
}

/** Opens a file the manifest names. @throws FormatError when it is missing or not as long as the manifest says. */
export async function openEntry(files: FileSet, entry: FileEntry, signal?: AbortSignal): Promise<ByteSource> {
  const source = await files.open(entry.file, signal);
  if (source === undefined)
    throw new FormatError(
      'missing-file',
      entry.file,
      `the manifest names this file, but ${files.name} does not have it.`,
    );
  checkLength(source, entry);
  return source;
}

function checkLength(source: ByteSource, entry: FileEntry): void {
  if (source.size !== entry.bytes)
    throw new FormatError(
      source.size < entry.bytes ? 'truncated' : 'mismatch',
      entry.file,
      `is ${source.size} bytes long, the manifest says ${entry.bytes}.`,
      'Copy or download it again.',
    );
}

/** The file's bytes in order, in chunks. */
async function* chunksOf(source: ByteSource, options: CheckOptions): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let offset = 0; offset < source.size; offset += CHECK_CHUNK_BYTES) {
    const length = Math.min(CHECK_CHUNK_BYTES, source.size - offset);
    yield await source.read(offset, length, options.signal);
    options.onProgress?.(offset + length, source.size);
  }
}

function checkDigest(entry: FileEntry, digest: string): void {
  if (digest !== entry.sha256)
    throw new FormatError(
      'hash-mismatch',
      entry.file,
      `its SHA-256 is ${digest}, the manifest says ${entry.sha256}.`,
      'The file is damaged or from another package: copy or download it again.',
    );
}

/**
 * Proves a file by length and SHA-256, streaming: of the whole, or of the chunks that were hashed when the whole was proven.
 * @throws FormatError naming the file; AbortError on abort.
 */
export async function checkFile(source: ByteSource, entry: FileEntry, options: CheckOptions = {}): Promise<void> {
  checkLength(source, entry);
  const { chunkHashes } = source;
  // Absent outside a secure context.
  const { subtle }: { subtle?: SubtleCrypto } = globalThis.crypto;
  if (
    subtle !== undefined &&
    chunkHashes?.of === entry.sha256 &&
    chunkHashes.sha256.length === Math.ceil(source.size / chunkHashes.chunkBytes)
  )
    return checkChunks(source, entry, chunkHashes, options);
  const spread = source.size < SPREAD_FROM_CHUNKS * CHECK_CHUNK_BYTES ? undefined : source.hashWhole?.(options);
  checkDigest(entry, (await spread) ?? (await hashFile(source, options)));
}

async function checkChunks(
  source: ByteSource,
  entry: FileEntry,
  { chunkBytes, sha256 }: ChunkHashes,
  { signal, onProgress }: CheckOptions,
): Promise<void> {
  const hashedHere = (places: Iterable<number>) => hashChunks(source, chunkBytes, places, signal);
  const spread = sha256.length < SPREAD_FROM_CHUNKS ? undefined : source.hashChunks?.(chunkBytes);
  let begin = 0;
  for await (const found of spread ?? hashedHere(sha256.keys())) {
    signal?.throwIfAborted();
    const place = begin / chunkBytes;
    let digest = found;
    if (digest === undefined) for await (const again of hashedHere([place])) digest = again;
    const expected = sha256[place];
    if (digest !== expected)
      throw new FormatError(
        'hash-mismatch',
        entry.file,
        `bytes ${begin} to ${Math.min(begin + chunkBytes, source.size)} are not those that were proven before: their SHA-256 is ` +
          `${digest}, and was ${expected}.`,
        'The file is damaged: verify the package under Models, which repairs it, or copy it again.',
      );
    begin += chunkBytes;
    onProgress?.(Math.min(begin, source.size), source.size);
  }
  if (begin < source.size) throw new Error(`only ${begin} bytes of ${entry.file} were hashed`);
}

/**
 * A file as a proven Blob in one pass: a source that is a Blob already is hashed and returned without a copy, any other
 * (a download) is hashed while its chunks are gathered.
 * @param options.verify hash it (default true); the length is checked in any case.
 * @throws FormatError naming the file; AbortError on abort.
 */
export async function readVerifiedBlob(
  source: ByteSource,
  entry: FileEntry,
  options: CheckOptions & { readonly verify?: boolean } = {},
): Promise<Blob> {
  checkLength(source, entry);
  const verify = options.verify ?? true;
  if (source.blob !== undefined) {
    if (verify) await checkFile(source, entry, options);
    else options.onProgress?.(source.size, source.size);
    return source.blob();
  }
  const hasher = verify ? await createSHA256() : undefined;
  const gathered = new GatheredBlob();
  for await (const chunk of chunksOf(source, options)) {
    hasher?.update(chunk);
    gathered.add(chunk);
  }
  if (hasher !== undefined) checkDigest(entry, hasher.digest());
  return gathered.blob();
}

/** The hashes that make up a package's identity: of every file the manifest names. */
export function packageHashes(manifest: Manifest): string[] {
  return manifestFiles(manifest).map(({ entry }) => entry.sha256);
}

/**
 * `<slug>@<first 12 hex digits of the SHA-256 over all file hashes>`, whatever their order (they are sorted and joined by
 * newlines). `slug` becomes lower-case letters, digits, `.`, `_` and `-`.
 */
export async function packageId(slug: string, hashes: readonly string[]): Promise<string> {
  const digest = await hashOfHashes(hashes);
  const clean = slug
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 120);
  return `${clean === '' ? 'model' : clean}@${digest.slice(0, 12)}`;
}

/** The whole of the hash whose first digits end a package's id. */
export async function packageSha256(manifest: Manifest): Promise<string> {
  return await hashOfHashes(packageHashes(manifest));
}

async function hashOfHashes(hashes: readonly string[]): Promise<string> {
  const hasher = await createSHA256();
  hasher.update([...hashes].sort().join('\n'));
  return hasher.digest();
}

function slugOf(id: string): string {
  const at = id.lastIndexOf('@');
  return at < 0 ? id : id.slice(0, at);
}

/**
 * Reads `heads.safetensors` into the reward head the core evaluates. Every tensor must be there, F32, of the shape the
 * manifest implies, finite; a surplus one is refused.
 * @throws FormatError naming the tensor.
 */
export async function readHeads(source: ByteSource, manifest: Manifest, signal?: AbortSignal): Promise<RewardHead> {
  const header = await readSafetensorsHeader(source, signal);
  const d = manifest.architecture.hiddenSize;
  const k = manifest.objectives.length;
  const widths = [d, ...manifest.gate.hidden, k];
  const shapes = new Map<string, readonly number[]>([
    ['regression.weight', [k, d]],
    ['transform', [k, k]],
  ]);
  const layerSizes = widths.slice(1).map((outputSize, i) => ({ inputSize: widths[i] ?? 0, outputSize }));
  for (const [i, { inputSize, outputSize }] of layerSizes.entries()) {
    shapes.set(`gate.${i}.weight`, [outputSize, inputSize]);
    shapes.set(`gate.${i}.bias`, [outputSize]);
  }
  for (const [name, shape] of shapes) requireShape(header, name, shape);
  for (const name of header.tensors.keys())
    if (!shapes.has(name))
      throw new FormatError('unsupported', tensorWhere(source.name, name), 'is not part of a reward head.');
  const read = async (name: string) => {
    const where = tensorWhere(source.name, name);
    const dtype = header.tensors.get(name)?.dtype;
    if (dtype !== 'F32') throw new FormatError('unsupported', where, `is ${dtype}, heads are stored in F32.`);
    const values = await readTensorAsFloat32(source, header, name, signal);
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw new FormatError('malformed', where, `holds ${values[bad]} at element ${bad}.`);
    return values;
  };
  const layers: GateLayer[] = [];
  for (const [i, sizes] of layerSizes.entries())
    layers.push({ weight: await read(`gate.${i}.weight`), bias: await read(`gate.${i}.bias`), ...sizes });
  const { temperature, logitScale } = manifest.gate;
  const { activeObjectives } = manifest;
  return {
    objectives: k,
    featureSize: d,
    regression: await read('regression.weight'),
    gate: { layers, temperature, logitScale, ...(activeObjectives === undefined ? {} : { activeObjectives }) },
    transform: Float64Array.from(await read('transform')),
  };
}
