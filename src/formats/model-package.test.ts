import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ByteSource } from './byte-source.ts';
import { FormatError } from './errors.ts';
import type { FormatErrorCode } from './errors.ts';
import { validateManifest } from './manifest-checks.ts';
import { blobSource } from './blob-source.ts';
import { memoryFileSet, memorySource } from './memory-source.ts';
import { CHECK_CHUNK_BYTES, hashFile } from './file-hash.ts';
import {
  checkFile,
  MAX_MANIFEST_BYTES,
  openEntry,
  openPackage,
  packageId,
  readHeads,
  readVerifiedBlob,
} from './model-package.ts';
import { writeSafetensors } from './safetensors-writer.ts';
import type { TensorData } from './safetensors-writer.ts';
import { ramp, TEST_SHAPE, testHeads, testPackage } from './test-package.ts';

const tiny = await testPackage();

async function errorOf(work: Promise<unknown>): Promise<FormatError> {
  const error: unknown = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(FormatError);
  return error as FormatError;
}

/** The manifest as untyped JSON with one value replaced (or deleted when `undefined`) at a dotted path. */
function spoiled(path: string, value: unknown): unknown {
  const json = structuredClone(tiny.manifest) as unknown;
  const keys = path.split('.');
  let holder = json as Record<string, unknown>;
  for (const key of keys.slice(0, -1)) holder = holder[key] as Record<string, unknown>;
  const last = keys.at(-1) ?? '';
  if (value === undefined) delete holder[last];
  else holder[last] = value;
  return json;
}

/** As a download is: bytes, but no Blob. */
function withoutBlob(source: ByteSource): ByteSource {
  return {
    name: source.name,
    size: source.size,
    read: (offset, length, signal) => source.read(offset, length, signal),
  };
}

describe('openPackage', () => {
  it('opens a good package', async () => {
    const { manifest } = await openPackage(tiny.fileSet());
    expect(manifest).toEqual(tiny.manifest);
  });

  it('says when there is no manifest, or no JSON in it', async () => {
    const at = (text: string | Uint8Array<ArrayBuffer>) =>
      errorOf(openPackage(memoryFileSet('folder', new Map([['armoscope.json', text]]))));
    expect(await errorOf(openPackage(memoryFileSet('folder', new Map())))).toMatchObject({
      code: 'missing-file',
      where: 'folder',
    });
    expect((await at('{"formatVersion":1,')).message).toMatch(/^armoscope\.json: is not valid JSON: /);
    expect((await at(new Uint8Array([0x7b, 0xff, 0x7d]))).message).toBe('armoscope.json: is not valid UTF-8.');
    expect((await at('[]')).message).toBe('armoscope.json: must be a JSON object.');
    expect((await at('')).code).toBe('malformed');
    expect((await at(' '.repeat(MAX_MANIFEST_BYTES + 1))).code).toBe('unsupported');
  });

  const twice = tiny.manifest.stages[0]?.graph;
  const canary = tiny.manifest.canaries[0];
  it.each<[string, unknown, string]>([
    ['formatVersion', 2, 'formatVersion: must be 1, not 2. Convert the checkpoint again with this version.'],
    ['formatVersion', undefined, 'formatVersion: must be 1, not missing'],
    ['extra', 1, 'extra: is not a key of format version 1.'],
    ['stages.1.extra', 1, 'stages[1].extra: is not a key of format version 1.'],
    ['name', undefined, 'name: is missing'],
    ['name', 3, 'name: must be string, not 3.'],
    ['name', null, 'name: must be string, not null.'],
    ['name', '', 'name: must have length >=1, not 0.'],
    ['dtype', 'q5', 'dtype: must be ("q4" | "q8" | "f16" | "f32"), not "q5".'],
    ['stages', {}, 'stages: must be Array, not Object.'],
    ['stages', [], 'stages: must have length >=1, not 0.'],
    ['stages.1.firstLayer', -1, 'stages[1].firstLayer: must be >=0, not -1.'],
    ['stages.1.firstLayer', 1.5, 'stages[1].firstLayer: must be a whole number, not 1.5.'],
    ['stages.1.firstLayer', 1, 'stages[1].firstLayer: must be 2, where the stage before ends, not 1.'],
    ['stages.0.firstLayer', 1, 'stages[0].firstLayer: must be 0'],
    ['stages.1.endLayer', 2, 'stages[1].endLayer: must be above firstLayer 2, not 2.'],
    ['stages.1.endLayer', 4, 'stages[1].endLayer: must be architecture.layers 3, not 4'],
    ['stages.0.graph.sha256', 'AB', 'stages[0].graph.sha256: must be 64 lower-case hexadecimal digits, not "AB".'],
    ['stages.0.graph.file', '../up.onnx', 'stages[0].graph.file: must be a plain file name, not "../up.onnx".'],
    ['stages.0.graph.file', '/etc/passwd', 'stages[0].graph.file: must be a plain file name'],
    ['stages.0.data.0', twice, 'stages[0].data[0].file: "stage-00.onnx" is already the file of stages[0].graph.'],
    ['heads.file', 'STAGE-00.onnx', 'heads.file: "STAGE-00.onnx" is already the file of stages[0].graph.'],
    ['heads.file', 'armoscope.json', 'heads.file: "armoscope.json" is already the manifest.'],
    ['heads.bytes', -1, 'heads.bytes: must be >=0, not -1.'],
    ['architecture.keyValueHeads', 3, 'architecture.keyValueHeads: must divide attentionHeads'],
    ['architecture.headDim', 3, 'architecture.headDim: must be even'],
    ['architecture.family', 'gemma', 'architecture.family: must be "llama", not "gemma".'],
    ['architecture.rope.theta', 0, 'architecture.rope.theta: must be >0, not 0.'],
    [
      'architecture.rope.scaling.highFreqFactor',
      1,
      'architecture.rope.scaling.highFreqFactor: must be above lowFreqFactor 1.',
    ],
    ['objectives.2.name', 'one', 'objectives[2].name: "one" is also the name of objectives[0].'],
    ['objectives.0.labels.kind', 'guess', 'objectives[0].labels.kind: must be ('],
    ['verbosityDimensions', [3], 'verbosityDimensions[0]: must be below 3 (the number of objectives), not 3.'],
    ['verbosityDimensions', [1, 1], 'verbosityDimensions[1]: 1 occurs twice.'],
    ['activeObjectives', [0, 9], 'activeObjectives[1]: must be below 3'],
    ['activeObjectives', [], 'activeObjectives: must name at least one objective.'],
    ['referenceMeans', [1, 2], 'referenceMeans: must have one entry per objective: 3, not 2.'],
    ['gate.temperature', 0, 'gate.temperature: must be >0, not 0.'],
    [
      'gate.rule',
      { kind: 'somewhere' },
      'gate.rule.kind: must be ("last-pattern" | "prompt-last-token"), not "somewhere".',
    ],
    ['gate.rule.tokenIds', [3, 16], 'gate.rule.tokenIds[1]: must be below architecture.vocabSize 16, not 16.'],
    ['tokens.bosId', 16, 'tokens.bosId: must be below architecture.vocabSize 16, not 16.'],
    ['tokens.endOfTurnId', 99, 'tokens.endOfTurnId: must be below'],
    ['canaries', [], 'canaries: must hold at least one canary.'],
    ['canaries.0.tokenIds', canary?.tokenIds.slice(1), 'canaries[0].tokenIds: must hold at least 65 tokens, not 64.'],
    ['canaries.0.tokenIds', Array(129).fill(0), 'canaries[0].tokenIds: holds 129 tokens, the model takes 128.'],
    ['canaries.0.tokenIds.7', 16, 'canaries[0].tokenIds[7]: must be below architecture.vocabSize 16, not 16.'],
    [
      'canaries.0.messages',
      canary?.messages.slice(0, 1),
      "canaries[0].messages: must end with the assistant's message.",
    ],
    ['canaries.0.messages', canary?.messages.slice(1), "canaries[0].messages: must hold a user's message."],
    ['canaries.0.own.rewards', [1, 2], 'canaries[0].own.rewards: must have one entry per objective: 3, not 2.'],
    ['canaries.0.reference.gateWeights', [1, 1], 'canaries[0].reference.gateWeights: must have one entry'],
    ['canaries.0.own.gateWeights', [1, 1, 1], 'canaries[0].own.gateWeights: must sum to gate.logitScale 1, not 3.'],
  ])('refuses %s = %j', async (path, value, message) => {
    const error = await errorOf(openPackage(tiny.fileSet(spoiled(path, value))));
    expect(error.message).toContain(`armoscope.json: ${message}`);
  });

  it('refuses an id that the hashes do not give', async () => {
    const error = await errorOf(openPackage(tiny.fileSet(spoiled('id', 'tiny@000000000000'))));
    expect(error).toMatchObject({ code: 'mismatch', where: 'armoscope.json: id' });
  });

  it('ends any spoiled manifest in a FormatError within 100 ms', () => {
    const paths: string[] = [];
    const walk = (value: unknown, path: string) => {
      if (path !== '') paths.push(path);
      if (typeof value === 'object' && value !== null)
        for (const [key, item] of Object.entries(value)) walk(item, path === '' ? key : `${path}.${key}`);
    };
    walk(tiny.manifest, '');
    const judge = fc.property(
      fc.constantFrom(...paths),
      fc.oneof(fc.jsonValue(), fc.constant(undefined)),
      (path, value) => {
        let shortest = Infinity;
        for (let run = 0; run < 5 && shortest > 100; run++) {
          const began = performance.now();
          try {
            validateManifest(spoiled(path, value));
          } catch (cause) {
            if (!(cause instanceof FormatError) || !cause.where.startsWith('armoscope.json')) throw cause;
          }
          shortest = Math.min(shortest, performance.now() - began);
        }
        return shortest <= 100;
      },
    );
    expect(fc.check(judge, { numRuns: 2000 })).toMatchObject({ failed: false });
    const any = fc.property(fc.jsonValue(), (value) => {
      try {
        validateManifest(value);
        return false;
      } catch (cause) {
        return cause instanceof FormatError;
      }
    });
    expect(fc.check(any, { numRuns: 300 })).toMatchObject({ failed: false });
  });
});

describe('files of a package', () => {
  const { heads } = tiny.manifest;

  it('are found by name and length', async () => {
    expect((await openEntry(tiny.fileSet(), heads)).size).toBe(heads.bytes);
    const error = await errorOf(openEntry(memoryFileSet('folder', new Map()), heads));
    expect(error).toMatchObject({ code: 'missing-file', where: 'heads.safetensors' });
    const cut = new Map([['heads.safetensors', testHeads().slice(1)]]);
    expect(await errorOf(openEntry(memoryFileSet('folder', cut), heads))).toMatchObject({ code: 'truncated' });
  });

  it('are proven by SHA-256, in chunks, with progress', async () => {
    const bytes = Uint8Array.from({ length: CHECK_CHUNK_BYTES * 2 + 5 }, (_, i) => i % 251);
    const source = memorySource('big', bytes);
    const entry = { file: 'big', bytes: bytes.length, sha256: await hashFile(source) };
    const seen: [number, number][] = [];
    await checkFile(source, entry, { onProgress: (loaded, total) => seen.push([loaded, total]) });
    expect(seen).toEqual(
      [CHECK_CHUNK_BYTES, 2 * CHECK_CHUNK_BYTES, bytes.length].map((loaded) => [loaded, bytes.length]),
    );
    bytes[CHECK_CHUNK_BYTES + 1]! ^= 1;
    const error = await errorOf(checkFile(source, entry));
    expect(error).toMatchObject({ code: 'hash-mismatch', where: 'big' });
    await expect(checkFile(source, entry, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });

  it('are hashed where the place hashes chunks on several cores, and here what it could not', async () => {
    const bytes = Uint8Array.from({ length: 2100 }, (_, i) => i % 249);
    const chunkBytes = 500;
    const sha256 = await Promise.all(
      [0, 1, 2, 3, 4].map((i) => hashFile(memorySource('chunk', bytes.slice(i * chunkBytes, (i + 1) * chunkBytes)))),
    );
    const whole = await hashFile(memorySource('kept', bytes));
    const entry = { file: 'kept', bytes: bytes.length, sha256: whole };
    // Without it every read is seen.
    const { openForward: _, ...here } = blobSource('kept', new Blob([bytes]), {
      chunkHashes: { of: whole, chunkBytes, sha256 },
    });
    const reads: number[] = [];
    const spread = (found: readonly (string | undefined)[]): ByteSource => ({
      ...here,
      read(offset, ...call) {
        reads.push(offset);
        return here.read(offset, ...call);
      },
      async *hashChunks() {
        yield* found;
      },
    });
    const seen: number[] = [];
    const [first, , ...rest] = sha256;
    await checkFile(spread([first, undefined, ...rest]), entry, { onProgress: (loaded) => seen.push(loaded) });
    expect([reads, seen]).toEqual([[500], [500, 1000, 1500, 2000, 2100]]);
    await expect(checkFile(spread(sha256.slice(0, 4)), entry)).rejects.toThrow('only 2000 bytes of kept were hashed');
    const error = await errorOf(checkFile(spread(sha256.with(3, whole)), entry));
    expect(error).toMatchObject({ code: 'hash-mismatch', where: 'kept' });
    expect(error.message).toContain('bytes 1500 to 2000 ');
    await expect(checkFile(spread(sha256), entry, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });

  it('are proven by the hashes of their chunks where the place keeps them, and only of the same file', async () => {
    const bytes = Uint8Array.from({ length: 2500 }, (_, i) => i % 251);
    const chunkBytes = 1000;
    const hashes = await Promise.all(
      [0, 1, 2].map((i) => hashFile(memorySource('chunk', bytes.slice(i * chunkBytes, (i + 1) * chunkBytes)))),
    );
    const whole = await hashFile(memorySource('kept', bytes));
    const entry = { file: 'kept', bytes: bytes.length, sha256: whole };
    const reads: [number, number][] = [];
    const kept = (of: string, sha256 = hashes): ByteSource => {
      const { openForward: _, ...source } = blobSource('kept', new Blob([bytes]), {
        chunkHashes: { of, chunkBytes, sha256 },
      });
      return {
        ...source,
        read: (offset, length, signal) => {
          reads.push([offset, length]);
          return source.read(offset, length, signal);
        },
      };
    };
    const seen: number[] = [];
    await checkFile(kept(whole), entry, { onProgress: (loaded) => seen.push(loaded) });
    expect(seen).toEqual([1000, 2000, 2500]);
    expect(reads).toEqual([
      [0, 1000],
      [1000, 1000],
      [2000, 500],
    ]);

    // Of another file, or too few of them: then the whole is hashed.
    reads.length = 0;
    await checkFile(kept('0'.repeat(64), ['', '', '']), entry);
    await checkFile(kept(whole, hashes.slice(1)), entry);
    expect(reads).toEqual([
      [0, 2500],
      [0, 2500],
    ]);

    for (const at of [0, 1000, 2499]) {
      bytes[at]! ^= 1;
      const error = await errorOf(checkFile(kept(whole), entry));
      expect(error).toMatchObject({ code: 'hash-mismatch', where: 'kept' });
      expect(error.message).toContain(`bytes ${1000 * Math.floor(at / 1000)} to `);
      bytes[at]! ^= 1;
    }
    await expect(checkFile(kept(whole), entry, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });

  it('know the hashes of FIPS 180-4', async () => {
    const of = (text: string) => hashFile(memorySource('f', new TextEncoder().encode(text)));
    expect(await of('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(await of('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  it('become proven Blobs, without a copy where they are Blobs', async () => {
    const blob = new Blob([testHeads()]);
    expect(await readVerifiedBlob(blobSource(heads.file, blob), heads)).toBe(blob);
    const loaded = await readVerifiedBlob(withoutBlob(memorySource(heads.file, testHeads())), heads);
    expect(new Uint8Array(await loaded.arrayBuffer())).toEqual(testHeads());
    const flipped = testHeads();
    flipped[100]! ^= 1;
    for (const source of [
      blobSource(heads.file, new Blob([flipped])),
      withoutBlob(memorySource(heads.file, flipped)),
    ]) {
      expect(await errorOf(readVerifiedBlob(source, heads))).toMatchObject({ code: 'hash-mismatch' });
      expect((await readVerifiedBlob(source, heads, { verify: false })).size).toBe(heads.bytes);
    }
  });

  it('give one identity whatever their order', async () => {
    const id = await packageId('My Model!', ['b', 'a']);
    expect(id).toBe(await packageId('my-model', ['a', 'b']));
    expect(id).toMatch(/^my-model@[0-9a-f]{12}$/);
    expect(id).not.toBe(await packageId('my-model', ['a', 'c']));
    expect(await packageId('', [])).toMatch(/^model@/);
  });
});

describe('readHeads', () => {
  const { hiddenSize: d, objectives: k, gateHidden: h } = TEST_SHAPE;
  const good: TensorData[] = [
    { name: 'regression.weight', dtype: 'F32', shape: [k, d], data: ramp(k * d) },
    { name: 'gate.0.weight', dtype: 'F32', shape: [h, d], data: ramp(h * d, 0.25) },
    { name: 'gate.0.bias', dtype: 'F32', shape: [h], data: ramp(h) },
    { name: 'gate.1.weight', dtype: 'F32', shape: [k, h], data: ramp(k * h, 0.5) },
    { name: 'gate.1.bias', dtype: 'F32', shape: [k], data: ramp(k, 1) },
    { name: 'transform', dtype: 'F32', shape: [k, k], data: ramp(k * k, 2) },
  ];
  const read = (tensors: readonly TensorData[]) =>
    readHeads(memorySource('heads.safetensors', writeSafetensors(tensors)), tiny.manifest);
  const replaced = (name: string, by: Partial<TensorData>) =>
    good.map((tensor) => (tensor.name === name ? { ...tensor, ...by } : tensor));

  it('reads the head the core evaluates', async () => {
    expect(await read(good)).toEqual({
      objectives: k,
      featureSize: d,
      regression: ramp(k * d),
      gate: {
        layers: [
          { weight: ramp(h * d, 0.25), bias: ramp(h), inputSize: d, outputSize: h },
          { weight: ramp(k * h, 0.5), bias: ramp(k, 1), inputSize: h, outputSize: k },
        ],
        temperature: 10,
        logitScale: 1,
        activeObjectives: [0, 2],
      },
      transform: Float64Array.from(ramp(k * k, 2)),
    });
  });

  const nan = ramp(k * d);
  nan[5] = Number.NaN;
  const infinite = ramp(h);
  infinite[0] = -Infinity;
  it.each<[string, readonly TensorData[], FormatErrorCode, string]>([
    ['missing', good.slice(1), 'mismatch', 'tensor "regression.weight": is not in this file'],
    ['surplus', [...good, { ...good[2]!, name: 'gate.2.bias' }], 'unsupported', 'tensor "gate.2.bias": is not part'],
    [
      'transposed',
      replaced('regression.weight', { shape: [d, k] }),
      'mismatch',
      '"regression.weight": has shape [4, 3] where [3, 4]',
    ],
    ['flattened', replaced('transform', { shape: [k * k] }), 'mismatch', '"transform": has shape [9] where [3, 3]'],
    [
      'F64',
      replaced('gate.0.bias', { dtype: 'F64', data: new Float64Array(h) }),
      'unsupported',
      '"gate.0.bias": is F64',
    ],
    ['NaN', replaced('regression.weight', { data: nan }), 'malformed', '"regression.weight": holds NaN at element 5'],
    [
      'infinity',
      replaced('gate.0.bias', { data: infinite }),
      'malformed',
      '"gate.0.bias": holds -Infinity at element 0',
    ],
  ])('refuses a tensor that is %s', async (_name, tensors, code, message) => {
    const error = await errorOf(read(tensors));
    expect(error.message).toContain(`heads.safetensors: tensor`);
    expect(error.message).toContain(message);
    expect(error.code).toBe(code);
  });
});
