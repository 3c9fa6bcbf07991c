/** What is converted, opened from wherever it is: a checkpoint's files, a GGUF with heads and tokenizer, an adapter on top of either. */
import type { ConvertOptions } from '@/convert/conversion.ts';
import { CONVERSION_VERSION } from '@/convert/conversion-state.ts';
import { openGgufCheckpoint } from '@/convert/gguf-checkpoint.ts';
import { readHeadsFile } from '@/convert/heads-file.ts';
import type { ByteSource, FileSet } from '@/formats/byte-source.ts';
import type { Manifest } from '@/formats/manifest.ts';
import { adapterIdentity, checkpointIdentity, fileIdentity } from './checkpoint-identity.ts';

export interface OpenedCheckpoint {
  readonly files: FileSet;
  /** What the package is called if nobody says otherwise. */
  readonly name: string;
  readonly source: Manifest['source'];
  /** What the source brings to the conversion. */
  readonly options?: Pick<ConvertOptions, 'blocks' | 'licence' | 'heads' | 'adapter'>;
  /** A line for everything beside `files` that the package depends on. */
  readonly identity?: readonly string[];
}

/** Heads from a file of their own. @throws FormatError */
export async function withHeads(
  opened: OpenedCheckpoint,
  heads: ByteSource,
  signal?: AbortSignal,
): Promise<OpenedCheckpoint> {
  return {
    ...opened,
    options: { ...opened.options, heads: await readHeadsFile(heads, signal) },
    identity: [...(opened.identity ?? []), `heads ${await fileIdentity(heads)}`],
  };
}

/** A LoRA adapter merged into the weights; both names say so. @param name of the adapter. */
export async function withAdapter(
  opened: OpenedCheckpoint,
  adapter: FileSet,
  name: string,
  signal?: AbortSignal,
): Promise<OpenedCheckpoint> {
  return {
    ...opened,
    name: `${opened.name}-${name}`,
    source: { ...opened.source, name: `${opened.source.name} + ${name}` },
    options: { ...opened.options, adapter },
    identity: [...(opened.identity ?? []), 'adapter', await adapterIdentity(adapter, signal)],
  };
}

/** @param tokenizer where the tokenizer's files are. @throws FormatError */
export async function openGgufSource(
  gguf: ByteSource,
  tokenizer: FileSet,
  signal?: AbortSignal,
): Promise<OpenedCheckpoint> {
  const { files, blocks, name, licence } = await openGgufCheckpoint(gguf, tokenizer, signal);
  return {
    files,
    name: name ?? gguf.name.replace(/\.gguf$/i, ''),
    source: { name: gguf.name },
    options: { blocks, ...(licence === undefined ? {} : { licence }) },
    identity: [`gguf ${await fileIdentity(gguf)}`],
  };
}

/** All that decides the bytes of the embedding and the stages, as text: an interrupted conversion is gone on with only under the same. */
export async function conversionIdentity(
  { files, identity = [] }: OpenedCheckpoint,
  {
    dtype,
    mixed,
    layersPerStage,
    maxLayers,
    verify,
  }: Pick<ConvertOptions, 'dtype' | 'mixed' | 'layersPerStage' | 'maxLayers' | 'verify'>,
  signal?: AbortSignal,
): Promise<string> {
  const options = [
    CONVERSION_VERSION,
    dtype,
    layersPerStage,
    maxLayers ?? 'all',
    verify === true ? 'verify' : '',
    mixed === true ? 'mixed' : '',
  ];
  return [options.join(' '), await checkpointIdentity(files, signal), ...identity].join('\n');
}
