/**
 * The boundary of what is done to packages kept on this machine: saving, verifying, repairing, deleting. Each call is a job in a
 * worker. What happens meanwhile is news to every tab of the page, the one that asked among them, so that all show the same.
 * Everything here can be cloned to a worker and back.
 */
import type { JobErrorData } from './job-error.ts';

/** Where a package is saved from. */
export type PackageSource =
  | { readonly kind: 'url'; readonly url: string }
  | {
      readonly kind: 'files';
      readonly name: string;
      readonly files: readonly { readonly path: string; readonly blob: Blob }[];
    };

/** A file by its name. */
export interface NamedBlob {
  readonly path: string;
  readonly blob: Blob;
}

/** A checkpoint in Hugging Face layout: a folder, here or at an address, or a repository of a hub; or a Llama's GGUF file. */
export type CheckpointSource =
  | PackageSource
  | {
      readonly kind: 'hub';
      /** `owner/name` or `owner/name@revision`. */
      readonly id: string;
      readonly hub: string;
      /** For models that ask for one. Sent to the hub and nowhere else, and kept nowhere. */
      readonly token?: string;
    }
  | {
      readonly kind: 'gguf';
      readonly file: NamedBlob;
      /** tokenizer.json, tokenizer_config.json and, where the template is not in the latter, chat_template.jinja. */
      readonly tokenizer: readonly NamedBlob[];
    };

export interface ConversionRequest {
  readonly source: CheckpointSource;
  readonly dtype: 'q4' | 'q8' | 'f16' | 'f32';
  /** Reward heads as safetensors, for a source that brings none. */
  readonly heads?: NamedBlob;
  /** A LoRA adapter's folder, merged while the weights stream by. */
  readonly adapter?: { readonly name: string; readonly files: readonly NamedBlob[] };
}

export interface PackageTasks {
  /** Brings a package here, or goes on with one; what is whole is not fetched again, what is broken is. */
  readonly save: { readonly request: { readonly source: PackageSource }; readonly result: { readonly key: string } };
  /** Reads every byte and says how many chunks are not as they were written. */
  readonly verify: { readonly request: { readonly key: string }; readonly result: { readonly brokenChunks: number } };
  /**
   * Converts a checkpoint into a package kept here. The same request goes on after the last whole stage of one that was
   * interrupted.
   */
  readonly convert: { readonly request: ConversionRequest; readonly result: { readonly key: string } };
  /** Marks it deleted; its space is given back by `purge`, until when `restore` undoes it. */
  readonly remove: { readonly request: { readonly key: string }; readonly result: undefined };
  readonly restore: { readonly request: { readonly key: string }; readonly result: undefined };
  /** Takes away what has been marked for longer than `olderThanMs` and is open nowhere. */
  readonly purge: {
    readonly request: { readonly olderThanMs: number };
    readonly result: { readonly removed: readonly string[] };
  };
}

export type PackageTaskName = keyof PackageTasks;

export interface PackageJobs {
  /** Rejects with a `JobError`: `busy` while another tab writes the package, `storage` where there is no room. */
  run<K extends PackageTaskName>(
    task: K,
    request: PackageTasks[K]['request'],
    signal?: AbortSignal,
  ): Promise<PackageTasks[K]['result']>;
}

/** What every tab hears. */
export type PackageNews =
  /** Its record changed, or it is gone. */
  | { readonly kind: 'changed'; readonly key: string }
  | PackageProgress
  /** Whatever was being done to it has ended, one way or the other. */
  | { readonly kind: 'ended'; readonly key: string };

export interface PackageProgress {
  readonly kind: 'progress';
  readonly key: string;
  readonly name: string;
  readonly phase: 'save' | 'verify' | 'convert';
  /** The file at hand; of a conversion the tensor. */
  readonly file: string;
  readonly fileBytes?: number;
  /** Of all files together. */
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** Name of the channel that news go through. */
export const PACKAGE_CHANNEL = 'armoscope-packages';

/** Held by who writes a package. */
export function writeLock(key: string): string {
  return `armoscope-package-write:${key}`;
}

/** Shared by everyone who has it open; whoever takes it away needs it alone. */
export function openLock(key: string): string {
  return `armoscope-package-use:${key}`;
}

/** What the worker is told. */
export type PackageCall =
  | {
      readonly [K in PackageTaskName]: {
        readonly kind: 'call';
        readonly task: K;
        readonly request: PackageTasks[K]['request'];
      };
    }[PackageTaskName]
  | { readonly kind: 'abort' };

/** What it answers. */
export type PackageReply =
  | { readonly kind: 'done'; readonly result: PackageTasks[PackageTaskName]['result'] }
  | { readonly kind: 'failed'; readonly error: JobErrorData };
