/**
 * How much slower than onnxruntime-node running the bare stage graphs the engine is, at the same lengths.
 * `npx tsx src/cli/bench-score.ts --model DIR [--lengths 64,256,1024] [--repeats 5] [--threads N]`
 *
 * Bare: every stage's graph once over the whole sequence, ready inputs, nothing shared, default session options. Engine: `score` of
 * one response, tokenizing and heads included. Both alternate; medians are compared.
 */
import { join } from 'node:path';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Manifest } from '@/formats/manifest.ts';
import { openPackage } from '@/formats/model-package.ts';
import { medianOf, timedAsync, type Timing } from './bench-timing.ts';
import { diskFileSet } from './disk-files.ts';
import { createCliEngine } from './node-engine.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    lengths: { type: 'string', default: '64,256,1024' },
    repeats: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(availableParallelism()) },
    chunk: { type: 'string' },
  },
});
const directory = values.model;
if (directory === undefined) throw new Error('--model DIR is missing');
const threads = Number(values.threads);
const repeats = Number(values.repeats);
const lengths = values.lengths.split(',').map(Number);

const { manifest } = await openPackage(diskFileSet(directory));
const engine = createCliEngine({
  threads,
  ...(values.chunk === undefined ? {} : { chunkTokens: Number(values.chunk) }),
});
await engine.load({ kind: 'directory', path: directory }, { provider: 'native' });
const sessions: InferenceSession[] = [];
for (const stage of manifest.stages) {
  sessions.push(await InferenceSession.create(join(directory, stage.graph.file), { intraOpNumThreads: threads }));
}

for (const wanted of lengths) {
  const { text, tokens } = await textOfLength(wanted);
  const bare: Timing[] = [];
  const scored: Timing[] = [];
  for (let repeat = 0; repeat <= repeats; repeat++) {
    const { timing: bareTiming } = await timedAsync(() => runBare(manifest, tokens));
    const { timing: scoreTiming } = await timedAsync(() =>
      engine.score({ messages: [{ role: 'user', content: 'Hi' }], responses: [text] }),
    );
    // The first round warms both up.
    if (repeat > 0) {
      bare.push(bareTiming);
      scored.push(scoreTiming);
    }
  }
  const bareWall = medianOf(bare, 'wallMs');
  const scoredWall = medianOf(scored, 'wallMs');
  const bareCore = medianOf(bare, 'coreMs');
  const scoredCore = medianOf(scored, 'coreMs');
  console.log(
    `${tokens} tokens: wall ${bareWall.toFixed(0)} → ${scoredWall.toFixed(0)} ms, ratio ${(scoredWall / bareWall).toFixed(3)}; ` +
      `core ${bareCore.toFixed(0)} → ${scoredCore.toFixed(0)} ms, ratio ${(scoredCore / bareCore).toFixed(3)}; ` +
      `${((tokens * 1000) / scoredWall).toFixed(0)} tokens/s`,
  );
}
for (const session of sessions) await session.release();
await engine.dispose();

/** A text whose whole sequence is about as long as wanted. */
async function textOfLength(wanted: number): Promise<{ text: string; tokens: number }> {
  let text = '';
  for (let word = 0; ; word++) {
    const { tokenIds } = await engine.tokenize([{ role: 'user', content: 'Hi' }], text);
    if (tokenIds.length >= wanted) return { text, tokens: tokenIds.length };
    text += Array.from(
      { length: Math.max(1, (wanted - tokenIds.length) >> 1) },
      (_, i) => ` word${(word + i) % 97}`,
    ).join('');
  }
}

async function runBare({ architecture, stages }: Manifest, tokens: number): Promise<void> {
  const { hiddenSize, keyValueHeads, headDim } = architecture;
  const table = (): Tensor =>
    new Tensor('float32', new Float32Array(tokens * (headDim / 2)).fill(0.5), [tokens, headDim / 2]);
  const feeds: Record<string, Tensor> = {
    cos: table(),
    sin: table(),
    seqlens_k: new Tensor('int32', Int32Array.of(tokens - 1), [1]),
    total_sequence_length: new Tensor('int32', Int32Array.of(tokens), []),
  };
  let hidden: Tensor = new Tensor('float32', new Float32Array(tokens * hiddenSize).fill(0.1), [1, tokens, hiddenSize]);
  for (const [index, stage] of stages.entries()) {
    const inputs: Record<string, Tensor> = { ...feeds, hidden };
    for (let layer = stage.firstLayer; layer < stage.endLayer; layer++) {
      for (const name of ['key', 'value']) {
        inputs[`past_${name}.${layer}`] = new Tensor('float32', new Float32Array(), [1, keyValueHeads, 0, headDim]);
      }
    }
    if (index === stages.length - 1) inputs['rows'] = new Tensor('int64', BigInt64Array.of(BigInt(tokens - 1)), [1]);
    const outputs = await sessions[index]?.run(inputs);
    const next = outputs?.['hidden_out'];
    if (next !== undefined) hidden = next;
  }
}
