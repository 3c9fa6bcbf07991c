/**
 * What crosses the engine's boundary: plain structured-cloneable data, the same in the worker and in the thread.
 */
import type { DoctorFinding } from '@/core/doctor-findings.ts';
import type { HeadEvaluation } from '@/core/reward-head.ts';
import type { Manifest } from '@/formats/manifest.ts';

export type Role = 'system' | 'user' | 'assistant';
export interface Message {
  readonly role: Role;
  readonly content: string;
}

/** A file on this machine. */
export interface SourceFile {
  readonly path: string;
  readonly blob: Blob;
  /** SHA-256 of every chunk, taken when the file as a whole (`of`: its SHA-256) was proven; such a file is proven by them. */
  readonly chunkHashes?:
    | { readonly of: string; readonly chunkBytes: number; readonly sha256: readonly string[] }
    | undefined;
  /** The file in the origin's private file system that the Blob was made of: read several times as fast. */
  readonly handle?: FileSystemFileHandle | undefined;
}

/** Where a model package is. */
export type ModelSource =
  | { readonly kind: 'url'; readonly url: string }
  | {
      readonly kind: 'files';
      readonly name: string;
      readonly files: readonly SourceFile[];
    }
  | { readonly kind: 'directory'; readonly path: string };

/**
 * Execution providers, in the order they are tried.
 * `webgpu-no-subgroups` is WebGPU on a device made without the `subgroups` feature (runtime.md "Attention").
 * `native` is onnxruntime-node's CPU, `native-webgpu` its WebGPU; both exist on the command line only.
 */
export type Provider = 'webgpu' | 'webgpu-no-subgroups' | 'wasm' | 'native' | 'native-webgpu';

/** All stages on the device, or one after the other through it. */
export type StageMode = 'resident' | 'streamed';

/** How the model is held, and why. */
export interface MemoryPlan {
  readonly mode: StageMode;
  /** In words, for the person. */
  readonly reason: string;
  /** Estimates on the device, with a long text: with all stages, and with the largest alone. */
  readonly residentBytes: number;
  readonly streamedBytes: number;
}

export interface LoadOptions {
  /** Only this provider; otherwise the first that proves itself. A software adapter is used only when asked for here. */
  readonly provider?: Provider;
  /** Absent: all stages where they fit, one at a time where they do not. */
  readonly stages?: StageMode;
  /** Verify every file's SHA-256 while loading. Default true. */
  readonly verifyHashes?: boolean;
}

/** How one provider did on the package's canaries. */
export interface ProviderProof {
  readonly provider: Provider;
  /** `passed`: within tolerance. `failed`: ran, wrong numbers. `error`: did not run. `skipped`: not tried, see reason. */
  readonly outcome: 'passed' | 'failed' | 'error' | 'skipped';
  /** Largest |difference| from the package's own CPU outputs, over rewards, gate weights and score. */
  readonly worstError?: number;
  readonly tolerance: number;
  /** In words, for the person: why it failed or was skipped. */
  readonly reason?: string;
  /** GPU adapter in words, e.g. `nvidia ampere`, `google swiftshader (software)`. */
  readonly adapter?: string;
}

/** A loaded, proven model. */
export interface LoadedModel {
  readonly manifest: Manifest;
  /** M `[k, k]`, row-major (`r' = r M`): the one part of the head that recombining cached rewards needs. */
  readonly transform: Float64Array;
  readonly provider: Provider;
  readonly adapter?: string;
  /** Largest canary error on this device and provider, in reward units. */
  readonly worstError: number;
  /** Every provider that was tried or skipped, in order; the last is the one in use. */
  readonly proofs: readonly ProviderProof[];
  /** What the checkpoint doctor found, the gravest first. */
  readonly findings: readonly DoctorFinding[];
  readonly memory: MemoryPlan;
  readonly loadedBytes: number;
  /** Every file the manifest names, in the order they were read. */
  readonly files: readonly LoadedFile[];
  readonly elapsedMs: number;
}

/** One file of a loaded package. */
export interface LoadedFile {
  /** What it is in the manifest, e.g. `stages[0].graph`. */
  readonly role: string;
  readonly file: string;
  readonly bytes: number;
  /** SHA-256 the manifest states, 64 hexadecimal digits. */
  readonly sha256: string;
  /** True when the bytes read here had this hash; false when they were not hashed (`verifyHashes: false`). */
  readonly verified: boolean;
}

/** Progress of any engine call. Bytes are cumulative; `totalBytes` is known from the manifest. */
export type EngineProgress =
  /** Before a load: somebody else is at it. In words, for the person; `undefined`: not any more. */
  | { readonly stage: 'waiting'; readonly reason: string | undefined }
  | {
      readonly stage: 'download';
      readonly file: string;
      /** Length of this file. */
      readonly fileBytes: number;
      readonly loadedBytes: number;
      readonly totalBytes: number;
    }
  /** Before anything is computed, where the stages go through the device one at a time. */
  | { readonly stage: 'streaming'; readonly plan: MemoryPlan; readonly stages: number; readonly provider: Provider }
  | { readonly stage: 'compile'; readonly done: number; readonly total: number; readonly provider: Provider }
  | { readonly stage: 'warmup'; readonly done: number; readonly total: number; readonly provider: Provider }
  | { readonly stage: 'ready' }
  | {
      readonly stage: 'score';
      readonly doneTokens: number;
      readonly totalTokens: number;
      readonly responseIndex: number;
    }
  | { readonly stage: 'result'; readonly responseIndex: number; readonly response: ScoredResponse };

export interface ScoreRequest {
  /** The conversation before the response; the last message is the user's. */
  readonly messages: readonly Message[];
  /** The responses to score, all to this one prompt. At least one. */
  readonly responses: readonly string[];
  /** Also return the hidden states `feature` and `gateFeature`. Default false. */
  readonly features?: boolean;
}

/** Something true about an input that a reader of its score must know (armorm.md I7-I9). */
export interface ScoreWarning {
  readonly code: 'gate-hijack' | 'template' | 'whitespace';
  readonly message: string;
}

/** Everything about one scored response. Arrays have one entry per objective, in manifest order. */
export interface ScoredResponse extends HeadEvaluation {
  readonly tokens: {
    /** Whole scored sequence. */
    readonly total: number;
    /** Prompt up to and including the assistant header. */
    readonly prompt: number;
    readonly response: number;
    /** Index of the token whose hidden state feeds the gate, and that token's text. */
    readonly gateIndex: number;
    readonly gateToken: string;
    /** Index of the scored token (the last) and its text. */
    readonly scoredIndex: number;
    readonly scoredToken: string;
    /** Tokens not computed again because an earlier response of the request shared them. */
    readonly reused: number;
  };
  readonly warnings: readonly ScoreWarning[];
  readonly timings: { readonly tokenizeMs: number; readonly backboneMs: number; readonly headsMs: number };
  /** Final-norm hidden state of the scored token [d]; with `features`. */
  readonly feature?: Float32Array;
  /** Final-norm hidden state the gate read [d]; with `features`. */
  readonly gateFeature?: Float32Array;
}

export interface ScoreResult {
  readonly modelId: string;
  readonly responses: readonly ScoredResponse[];
  readonly elapsedMs: number;
}

/** What the model will really read. */
export interface TokenizedResponse {
  readonly tokenIds: Int32Array;
  /** Text of every token, special tokens as their names. */
  readonly tokenTexts: readonly string[];
  readonly gateIndex: number;
  readonly scoredIndex: number;
  readonly responseStart: number;
  readonly warnings: readonly ScoreWarning[];
}

export interface DeviceReport {
  readonly provider?: Provider;
  readonly webgpu: {
    readonly available: boolean;
    readonly reason?: string;
    readonly adapter?: string;
    readonly software?: boolean;
    readonly features: readonly string[];
    readonly limits: Readonly<Record<string, number>>;
  };
  readonly crossOriginIsolated: boolean;
  readonly jspi: boolean;
  readonly threads: number;
}
