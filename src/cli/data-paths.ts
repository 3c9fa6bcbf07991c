/** Feature files as they are named on the command line. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from './arguments.ts';

/** A folder stands for its safetensors files. @throws UsageError when it has none. */
export async function expandFolders(option: string, paths: readonly string[]): Promise<string[]> {
  const expanded: string[] = [];
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined);
    if (found?.isDirectory() !== true) expanded.push(path);
    else {
      const names = (await readdir(path)).filter((name) => name.endsWith('.safetensors')).sort();
      if (names.length === 0) throw new UsageError(`--${option}: there is no .safetensors file in ${path}.`);
      expanded.push(...names.map((name) => join(path, name)));
    }
  }
  return expanded;
}
