/**
 * Several responses of one prompt, scored by the engine and by transformers.js on the same weights: `FeatureExtractionPipeline` with
 * the package's own stages as its model, one call per response, as one scores with it today. Runs in Node and in a browser.
 *
 * The baseline gets its best: ready sessions, the whole text in one run, nothing but the hidden states and the head.
 */
import { FeatureExtractionPipeline, PreTrainedTokenizer, Tensor } from '@huggingface/transformers';
import { evaluateHead } from '@/core/reward-head.ts';
import type { Message, Provider } from '@/engine/api/messages.ts';
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import { openLocalPackage, type LocalPackage } from '@/engine/host/local-package.ts';
import type { FileSet } from '@/formats/byte-source.ts';
import type { BackendFactory, BackendTensor, StageSession } from '@/runtime/backend.ts';
import { rotaryTables } from '@/core/rope.ts';

export interface BenchSettings {
  readonly responses: number;
  /** Tokens before the first response, about. */
  readonly promptTokens: number;
  /** Tokens of each response, about. */
  readonly responseTokens: number;
  readonly repeats: number;
}

/** One round. Core time, where it can be read, is what a busy machine's neighbours do not change. */
export interface Timing {
  readonly wallMs: number;
  readonly coreMs?: number;
}

export interface BenchResult {
  readonly provider: Provider;
  readonly adapter?: string;
  /** Tokens of every response's whole sequence, and how many of them all share. */
  readonly sequenceTokens: readonly number[];
  readonly sharedTokens: number;
  /** Wall time of scoring all responses once, per repeat. */
  readonly engine: readonly Timing[];
  readonly transformers: readonly Timing[];
  /** Largest |difference| between the two over all hidden states that the heads read, rewards, gate weights and scores. */
  readonly errors: {
    readonly hidden: number;
    readonly rewards: number;
    readonly gateWeights: number;
    readonly score: number;
  };
  /** Largest |hidden state|, which the first error is to be read against. */
  readonly hiddenScale: number;
}

export interface BenchPlace {
  readonly engine: RewardEngine;
  readonly factory: BackendFactory;
  readonly provider: Provider;
  readonly files: FileSet;
  readonly say: (line: string) => void;
  /** Core time spent so far by whoever computes. */
  readonly coreMs?: () => number;
}

/** One measurement: both sides once to warm up, then in turn. `engine` has the package loaded on `provider`. */
export async function measure(place: BenchPlace, settings: BenchSettings): Promise<BenchResult> {
  const { engine, factory, provider, files, say } = place;
  const opened = await openLocalPackage(files, {
    verifyHashes: false,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
  const made = await factory.create(provider);
  if ('unavailable' in made) throw new Error(`${provider}: ${made.unavailable}`);
  const { backend } = made;
  const baseline = await createBaseline(opened, made.backend, files);

  const messages: readonly Message[] = [
    {
      role: 'user',
      content: await textOfTokens(engine, (text) => [[{ role: 'user', content: text }], 'x'], settings.promptTokens),
    },
  ];
  const promptLength = (await engine.tokenize(messages, 'x')).responseStart;
  const responses: string[] = [];
  for (let index = 0; index < settings.responses; index++) {
    const wanted = promptLength + settings.responseTokens;
    responses.push(await textOfTokens(engine, (text) => [messages, text], wanted, index + 1));
  }
  const sequences = await Promise.all(responses.map((response) => engine.tokenize(messages, response)));
  const sharedTokens = sequences.reduce(
    (shared, { tokenIds }) => Math.min(shared, commonStart(tokenIds, sequences[0]?.tokenIds ?? tokenIds)),
    Infinity,
  );

  const engineTimes: Timing[] = [];
  const transformersTimes: Timing[] = [];
  const errors = { hidden: 0, rewards: 0, gateWeights: 0, score: 0 };
  let hiddenScale = 0;
  for (let repeat = 0; repeat <= settings.repeats; repeat++) {
    const [engineTime, { responses: scored }] = await timed(place, () =>
      engine.score({ messages, responses, features: true }),
    );
    const [transformersTime, extracted] = await timed(place, async () => {
      const found = [];
      for (const [index, response] of responses.entries()) {
        const sequence = sequences[index];
        if (sequence === undefined) throw new Error('a response was not tokenised');
        const features = await baseline.extract(messages, response, sequence);
        found.push({ ...features, ...evaluateHead(opened.head, features.feature, features.gateFeature) });
      }
      return found;
    });
    // The first round warms both up.
    if (repeat > 0) {
      engineTimes.push(engineTime);
      transformersTimes.push(transformersTime);
    }
    const words = ({ wallMs, coreMs }: Timing): string =>
      `${wallMs.toFixed(0)} ms${coreMs === undefined ? '' : ` (core ${coreMs.toFixed(0)})`}`;
    const times = `engine ${words(engineTime)}, transformers.js ${words(transformersTime)}`;
    say(`${provider} ${repeat === 0 ? 'warm-up' : `round ${repeat}`}: ${times}`);
    for (const [index, one] of scored.entries()) {
      const other = extracted[index];
      if (other === undefined || one.feature === undefined || one.gateFeature === undefined)
        throw new Error('a result is missing');
      errors.hidden = Math.max(
        errors.hidden,
        worst(one.feature, other.feature),
        worst(one.gateFeature, other.gateFeature),
      );
      errors.rewards = Math.max(errors.rewards, worst(one.rewards, other.rewards));
      errors.gateWeights = Math.max(errors.gateWeights, worst(one.gateWeights, other.gateWeights));
      errors.score = Math.max(errors.score, worst([one.score], [other.score]));
      hiddenScale = Math.max(hiddenScale, ...other.feature.map(Math.abs), ...other.gateFeature.map(Math.abs));
    }
  }
  const { adapter } = backend;
  await baseline.dispose();
  await backend.dispose();
  return {
    provider,
    ...(adapter === undefined ? {} : { adapter }),
    sequenceTokens: sequences.map(({ tokenIds }) => tokenIds.length),
    sharedTokens,
    engine: engineTimes,
    transformers: transformersTimes,
    errors,
    hiddenScale,
  };
}

async function timed<T>({ coreMs }: BenchPlace, work: () => Promise<T>): Promise<[Timing, T]> {
  const [wallFrom, coreFrom] = [performance.now(), coreMs?.()];
  const result = await work();
  const wallMs = performance.now() - wallFrom;
  return [
    coreMs === undefined || coreFrom === undefined ? { wallMs } : { wallMs, coreMs: coreMs() - coreFrom },
    result,
  ];
}

/** How many times fewer tokens the engine computes: n(p+r)/(p+nr) for n responses of equal length. */
export function tokenSaving({ sequenceTokens, sharedTokens }: BenchResult): number {
  const all = sequenceTokens.reduce((sum, tokens) => sum + tokens, 0);
  return all / (sharedTokens + all - sequenceTokens.length * sharedTokens);
}

interface Baseline {
  extract(
    messages: readonly Message[],
    response: string,
    expected: { readonly tokenIds: Int32Array; readonly gateIndex: number; readonly scoredIndex: number },
  ): Promise<{ readonly feature: Float32Array; readonly gateFeature: Float32Array }>;
  dispose(): Promise<void>;
}

type CreatedBackend = Extract<Awaited<ReturnType<BackendFactory['create']>>, { backend: unknown }>['backend'];

async function createBaseline(opened: LocalPackage, backend: CreatedBackend, files: FileSet): Promise<Baseline> {
  const { manifest, embedding, stages } = opened;
  const { hiddenSize, keyValueHeads, headDim, rope, maxPositions } = manifest.architecture;
  if (manifest.gate.rule.kind !== 'last-pattern')
    throw new Error('the benchmark reads gates inside the scored sequence');
  const readJson = async (file: string): Promise<object> => {
    const source = await files.open(file);
    if (source === undefined) throw new Error(`there is no ${file}`);
    const value: unknown = JSON.parse(new TextDecoder().decode(await source.read(0, source.size)));
    if (typeof value !== 'object' || value === null) throw new Error(`${file} holds no object`);
    return value;
  };
  const tokenizer = new PreTrainedTokenizer(
    await readJson(manifest.tokenizer.file),
    await readJson(manifest.tokenizerConfig.file),
  );
  const sessions: { readonly session: StageSession; readonly layers: readonly number[] }[] = [];
  for (const { files: stageFiles, firstLayer, endLayer } of stages)
    sessions.push({
      session: await backend.createSession(stageFiles),
      layers: Array.from({ length: endLayer - firstLayer }, (_, index) => firstLayer + index),
    });
  const tables = rotaryTables(rope, headDim, Math.min(maxPositions, 2048));

  /** The model of the pipeline: token ids in, the last hidden state of every token out. */
  const model = async ({
    input_ids: inputIds,
  }: {
    readonly input_ids: Tensor;
  }): Promise<{ last_hidden_state: Tensor }> => {
    const tokenIds = Int32Array.from(inputIds.data as BigInt64Array, Number);
    const tokens = tokenIds.length;
    const made: BackendTensor[] = [];
    const keep = (tensor: BackendTensor): BackendTensor => {
      made.push(tensor);
      return tensor;
    };
    const common = {
      cos: keep(backend.tensor('float32', tables.cos, [tables.positions, headDim / 2])),
      sin: keep(backend.tensor('float32', tables.sin, [tables.positions, headDim / 2])),
      seqlens_k: keep(backend.tensor('int32', Int32Array.of(tokens - 1), [1])),
      total_sequence_length: keep(backend.tensor('int32', Int32Array.of(tokens), [])),
    };
    const empty = keep(backend.tensor('float32', new Float32Array(), [1, keyValueHeads, 0, headDim]));
    let hidden = keep(backend.tensor('float32', await embedding.lookup(tokenIds), [1, tokens, hiddenSize]));
    for (const [index, { session, layers }] of sessions.entries()) {
      const inputs: Record<string, BackendTensor> = { ...common, hidden };
      for (const layer of layers) {
        inputs[`past_key.${layer}`] = empty;
        inputs[`past_value.${layer}`] = empty;
      }
      const isLast = index === sessions.length - 1;
      if (isLast) {
        const every = BigInt64Array.from({ length: tokens }, (_, row) => BigInt(row));
        inputs['rows'] = keep(backend.tensor('int64', every, [tokens]));
      }
      const outputs = await session.run(inputs, isLast ? ['features'] : []);
      for (const tensor of Object.values(outputs)) keep(tensor);
      const next = outputs[isLast ? 'features' : 'hidden_out'];
      if (next === undefined) throw new Error(`stage ${index} gave nothing`);
      hidden = next;
    }
    const data = hidden.data;
    if (!(data instanceof Float32Array)) throw new Error('the hidden states were not read back');
    for (const tensor of made) tensor.dispose();
    return { last_hidden_state: new Tensor('float32', data, [1, tokens, hiddenSize]) };
  };
  // The pipeline calls its model as a function; its type wants the class that hub exports are loaded into.
  const extractor = new FeatureExtractionPipeline({
    task: 'feature-extraction',
    tokenizer,
    model,
  } as unknown as ConstructorParameters<typeof FeatureExtractionPipeline>[0]);
  const endOfTurn = tokenizer.decode([manifest.tokens.endOfTurnId]);

  return {
    async extract(messages, response, expected) {
      const chat = [...messages, { role: 'assistant', content: response }];
      const rendered = tokenizer.apply_chat_template(chat, {
        tokenize: false,
        chat_template: manifest.tokens.chatTemplate,
      });
      // What the template writes after the last end of turn is no part of a scored sequence (armorm.md I7).
      const text = rendered.slice(0, rendered.lastIndexOf(endOfTurn) + endOfTurn.length);
      const states = await extractor(text, { pooling: 'none' });
      const tokens = states.dims[1] ?? 0;
      if (tokens !== expected.tokenIds.length)
        throw new Error(`transformers.js reads ${tokens} tokens where the engine reads ${expected.tokenIds.length}`);
      const data = states.data as Float32Array;
      const row = (index: number): Float32Array => data.slice(index * hiddenSize, (index + 1) * hiddenSize);
      return { feature: row(expected.scoredIndex), gateFeature: row(expected.gateIndex) };
    },
    async dispose() {
      for (const { session } of sessions) await session.release();
    },
  };
}

const words =
  'the a river stone quiet bright over under carries morning window green paper between letters garden slowly holds because ' +
  'light rain table road small answer people often remember north simple water before after into second';

/** A text of made sentences with which a conversation has about `wanted` tokens. `seed` starts it elsewhere in the word list. */
async function textOfTokens(
  engine: RewardEngine,
  conversation: (text: string) => readonly [readonly Message[], string],
  wanted: number,
  seed = 0,
): Promise<string> {
  const list = words.split(' ');
  const parts: string[] = [];
  for (;;) {
    const { tokenIds } = await engine.tokenize(...conversation(parts.join(' ')));
    const missing = wanted - tokenIds.length;
    if (missing <= 0) return parts.join(' ');
    for (let count = Math.max(1, missing >> 1); count > 0; count--) {
      const at = parts.length;
      parts.push(`${list[(at * 7 + seed * 11 + (at >> 3)) % list.length] ?? ''}${at % 9 === 8 ? '.' : ''}`);
    }
  }
}

function commonStart(a: Int32Array, b: Int32Array): number {
  let length = 0;
  while (length < Math.min(a.length, b.length) && a[length] === b[length]) length++;
  return length;
}

function worst(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = a.length === b.length ? 0 : Infinity;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN));
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Infinity : difference;
  }
  return largest;
}
