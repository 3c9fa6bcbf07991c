/** What the converter is given, on the command line and in the page: ONNX Runtime and the tokenizer library. */
import { Template } from '@huggingface/jinja';
import { Tokenizer } from '@huggingface/tokenizers';
import type { ConvertTools } from '@/convert/conversion.ts';
import type { TextTools } from '@/convert/model-tokens.ts';
import type { ThreadedRounder } from '@/convert/rounding-threads.ts';
import { buildProduct, PRODUCT } from '@/convert/graph/product.ts';
import type { OpenStage, StageRunner, StageToRun } from '@/convert/stage-runner.ts';
import { FormatError } from '@/formats/errors.ts';
import { isJsonObject } from '@/formats/json-file.ts';
import { memorySource } from '@/formats/memory-source.ts';
import type { Backend, BackendFactory, BackendTensor, StageSession } from '@/runtime/backend.ts';
import { ChatTokenizer } from '@/runtime/chat-tokenizer.ts';
import { renderTemplate } from '@/runtime/render-template.ts';
import { rotaryTables } from '@/core/rope.ts';

/**
 * Tools over a backend that computes in f32 on the CPU, and the threads that round beside it.
 * @param name of the runtime, for the error.
 * @throws FormatError `unsupported` where the runtime cannot be loaded.
 */
export async function openConvertTools(
  created: ReturnType<BackendFactory['create']>,
  name: string,
  makeRounder: () => ThreadedRounder,
): Promise<ConvertTools & { dispose(): Promise<void> }> {
  const outcome = await created;
  if (!('backend' in outcome)) throw new FormatError('unsupported', name, outcome.unavailable);
  const { backend } = outcome;
  const rounder = makeRounder();
  return {
    textTools,
    chatEncoder: (rules, json, config) => new ChatTokenizer(rules, json, config),
    stageRunner: backendStageRunner(backend),
    rounder,
    async dispose() {
      rounder.close();
      await backend.dispose();
    },
  };
}

function textTools(chatTemplate: string, tokenizerJson: unknown, tokenizerConfig: unknown): TextTools {
  if (!isJsonObject(tokenizerJson)) throw new FormatError('malformed', 'tokenizer.json', 'is not a JSON object.');
  if (!isJsonObject(tokenizerConfig))
    throw new FormatError('malformed', 'tokenizer_config.json', 'is not a JSON object.');
  const tokenizer = reading('tokenizer.json', () => new Tokenizer({ ...tokenizerJson }, { ...tokenizerConfig }));
  const template = reading('tokenizer_config.json: chat_template', () => new Template(chatTemplate));
  const special = new Set(tokenizer.get_added_tokens_decoder().keys());
  const variables = Object.fromEntries(
    ['bos_token', 'eos_token', 'unk_token', 'pad_token'].flatMap((key) => {
      const value = tokenizerConfig[key];
      const text = isJsonObject(value) ? value['content'] : value;
      return typeof text === 'string' ? [[key, text]] : [];
    }),
  );
  return {
    render: (messages, addGenerationPrompt) =>
      renderTemplate(template, messages, { ...variables, add_generation_prompt: addGenerationPrompt }),
    encode: (text) => tokenizer.encode(text, { add_special_tokens: false }).ids,
    isSpecial: (id) => special.has(id),
  };
}

function reading<T>(where: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FormatError('malformed', where, `cannot be used: ${reason}`);
  }
}

/** Stages on a backend, whole sequences with empty caches. */
export function backendStageRunner(backend: Backend): StageRunner {
  let product: Promise<StageSession> | undefined;
  return {
    async multiply(x, weights, inputs) {
      product ??= backend.createSession({ graph: memorySource('product.onnx', buildProduct()), data: [] });
      const rows = backend.tensor('float32', x, [x.length / inputs, inputs]);
      const matrix = backend.tensor('float32', weights, [weights.length / inputs, inputs]);
      const outputs = await (await product).run({ [PRODUCT.rows]: rows, [PRODUCT.weights]: matrix }, [PRODUCT.product]);
      return valuesOf(outputs, PRODUCT.product);
    },
    async open(stage: StageToRun, signal): Promise<OpenStage> {
      const { architecture, firstLayer, endLayer } = stage;
      const session = await backend.createSession({ graph: stage.graph, data: stage.data }, signal);
      const past = Array.from({ length: endLayer - firstLayer }, (_, index) => firstLayer + index).flatMap(
        (layer): [string, BackendTensor][] => {
          const dims = [1, architecture.keyValueHeads, 0, architecture.headDim];
          return [
            [`past_key.${layer}`, backend.tensor('float32', new Float32Array(0), dims)],
            [`past_value.${layer}`, backend.tensor('float32', new Float32Array(0), dims)],
          ];
        },
      );
      return {
        async run(hidden, tokens, rows) {
          const { cos, sin } = rotaryTables(architecture.rope, architecture.headDim, tokens);
          const half = architecture.headDim / 2;
          const output = rows === undefined ? 'hidden_out' : 'features';
          const outputs = await session.run(
            {
              ...Object.fromEntries(past),
              hidden: backend.tensor('float32', hidden, [1, tokens, architecture.hiddenSize]),
              cos: backend.tensor('float32', cos, [tokens, half]),
              sin: backend.tensor('float32', sin, [tokens, half]),
              seqlens_k: backend.tensor('int32', Int32Array.of(tokens - 1), [1]),
              total_sequence_length: backend.tensor('int32', Int32Array.of(tokens), []),
              ...(rows === undefined
                ? {}
                : { rows: backend.tensor('int64', BigInt64Array.from(rows, BigInt), [rows.length]) }),
            },
            [output],
          );
          return valuesOf(outputs, output);
        },
        close: () => session.release(),
      };
    },
  };
}

/** A copy of one output's values; all outputs are given back. */
function valuesOf(outputs: Readonly<Record<string, BackendTensor>>, output: string): Float32Array<ArrayBuffer> {
  const data = outputs[output]?.data;
  if (!(data instanceof Float32Array)) throw new Error(`the graph gave no ${output}`);
  const copy = new Float32Array(data);
  for (const tensor of Object.values(outputs)) tensor.dispose();
  return copy;
}
