/** The record of a package that is being written: every change reaches the disk before the next one begins. */
import { absentFile, type KeptFile, type KeptPackage } from '@/formats/kept/kept-package.ts';
import type { PackageFolders } from '@/formats/kept/package-folders.ts';

export class RecordKeeper {
  #record: KeptPackage;
  readonly #folders: PackageFolders;
  readonly #onChange: (key: string) => void;
  #writing: Promise<void> = Promise.resolve();

  constructor(record: KeptPackage, folders: PackageFolders, onChange: (key: string) => void) {
    this.#record = record;
    this.#folders = folders;
    this.#onChange = onChange;
  }

  get record(): KeptPackage {
    return this.#record;
  }

  file(name: string): KeptFile {
    const found = this.#record.files.find(({ file }) => file === name);
    if (found === undefined) throw new Error(`${name} is not in the record of ${this.#record.key}`);
    return found;
  }

  /** Files are written side by side, their record is one. */
  async change(change: (record: KeptPackage) => KeptPackage): Promise<void> {
    this.#record = change(this.#record);
    const written = this.#writing.then(() => this.#folders.writeRecord(this.#record));
    // One that fails must not fail all after it.
    this.#writing = written.catch(() => undefined);
    await written;
    this.#onChange(this.#record.key);
  }

  async changeFile(name: string, change: (file: KeptFile) => KeptFile): Promise<void> {
    await this.change((record) => ({
      ...record,
      files: record.files.map((file) => (file.file === name ? change(file) : file)),
    }));
  }

  /** As if nothing of it had ever been here. */
  async forget(name: string): Promise<void> {
    await this.changeFile(name, (file) => absentFile(file, this.#record.chunkBytes));
  }
}
