/** What a GGUF file calls its model. */
import { blobSource } from '@/formats/blob-source.ts';

/** `general.name`, else the file's own name: what the converter calls the package. Rejects where the file is no GGUF. */
export async function ggufName(fileName: string, blob: Blob): Promise<string> {
  const { openGguf } = await import('@/formats/gguf.ts');
  const { metadata } = await openGguf(blobSource(fileName, blob));
  const name = metadata.get('general.name');
  return typeof name === 'string' && name.trim() !== '' ? name : fileName.replace(/\.gguf$/i, '');
}
