/**
 * `npm run train -- --features F --heads H --out HEADS.safetensors [options]`: stage 2, the gate.
 *
 * Exit codes: 0 trained; 1 the run failed; 2 the arguments are wrong; 130 interrupted (the gate as it was is written).
 */
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import {
  authorsScriptConsequences,
  type HyperparameterKey,
  hyperparameterProblem,
  hyperparameters,
  trainingDefaults,
  type TrainingMode,
  type TrainingOptions,
} from '@/core/training-options.ts';
import { FormatError } from '@/formats/errors.ts';
import { type HeadParts, readHeadParts } from '@/formats/head-files.ts';
import { isJsonObject, readJsonFile } from '@/formats/json-file.ts';
import type { TrainingEvent, TrainingRequest } from '@/jobs/api/training.ts';
import { exitInterrupted, type OptionValues, readOptions, runCommand, type Terminal, UsageError } from './arguments.ts';
import { expandFolders } from './data-paths.ts';
import { diskCheckpoints } from './disk-checkpoints.ts';
import { formatDuration, ProgressBar } from './progress-bar.ts';
import { nodeTrainerFactory } from './node-trainer.ts';
import { diskDataFile, openDiskDataFile, trainFiles } from './train-run.ts';

const usage = `Trains the gate of a reward model on preference pairs (Eq 5 of arXiv 2406.12845), on the processor.

  npm run train -- --features F --heads H --out HEADS.safetensors [options]

  --features FILE     embeddings [N,2,d] and prompt_embeddings [N,2,d] or [N,d], chosen first; bf16, f16 or f32 safetensors.
                      Several shards: give the option again, separate them by commas, or name a folder. Rows follow file names
  --heads FILE        regression_layer.weight and reward_transform_matrix, safetensors or PyTorch .pt (nothing in it is executed);
                      may be given twice where they lie in two files
  --out FILE          the whole head under ArmoRM's tensor names, f32; temperature and beta in its metadata
  --state-dict FILE   also the gate alone, under the names of the authors' GatingNetwork

Gate
  --init FILE         first weights (gating.layers.*, gating.logit_scale); default: fresh ones, as torch.nn.Linear draws them
  --hidden N          width of the hidden layers (1024)           --hidden-layers N  their number (3)
  --temperature T     of the softmax (10)                         --active LIST      objectives the gate may weigh, 0-based (all)
  --logit-scale S     sum of the gate's weights (1, or as --init has it)

Training (defaults: the paper's)
  --mode M            paper, or authors-script: what the published script does where it leaves the paper (it then says what follows)
  --steps N           (10000)                                     --batch N|all      pairs a step (1024); all: every pair, in file order
  --lr R              (0.001), cosine decay to zero               --schedule-steps N steps until zero (as many as the run has)
  --weight-decay W    (0.01), never on beta                       --beta B           first value of the learned scale (100)
  --adam-beta1, --adam-beta2, --adam-epsilon  (0.9, 0.999, 1e-8)  --dropout P        (0)
  --seed N            of weights, batches, dropout and split (0)

Evaluation
  --val-split S       share of the prompts to hold out (0)        --evaluate-every N steps between evaluations (100)
  --early-stop N      end after N evaluations without a better held-out loss, with the best gate (0: never)

Run
  --batch-rows FILE   JSON with the pairs of every step ([[…], …], or under "batches"), to follow another implementation's run
  --log FILE          one JSON object a step: step, loss, accuracy, lr, beta
  --checkpoint FILE   store the run there every --checkpoint-every steps (500), once a minute where steps are slow, and when
                      it is interrupted
  --resume            go on from --checkpoint
  --precision P       f64, f32, or auto: f64 for runs of up to a few minutes, f32 for larger ones
  --threads N         (one per core)                              --provider cpu     the only one on the command line

Loads beside its backbone in PyTorch:
  from safetensors.torch import load_file
  model.load_state_dict(load_file("HEADS.safetensors"), strict=False)
where its config.json has this gate's gating_hidden_dim, gating_n_hidden and gating_temperature (1024, 3 and 10 where it is silent),
and a --state-dict file into the authors' class:
  gate = GatingNetwork(d, k, temperature=T, hidden_dim=1024, n_hidden=3)
  gate.load_state_dict(load_file("GATE.safetensors"))
`;

/** Option of each hyperparameter. */
const optionNames: Readonly<Record<HyperparameterKey, string>> = {
  steps: 'steps',
  batchSize: 'batch',
  learningRate: 'lr',
  scheduleSteps: 'schedule-steps',
  weightDecay: 'weight-decay',
  adamBeta1: 'adam-beta1',
  adamBeta2: 'adam-beta2',
  adamEpsilon: 'adam-epsilon',
  initialBeta: 'beta',
  temperature: 'temperature',
  hidden: 'hidden',
  hiddenLayers: 'hidden-layers',
  dropout: 'dropout',
  seed: 'seed',
  validationSplit: 'val-split',
  evaluateEvery: 'evaluate-every',
  earlyStop: 'early-stop',
};

const otherOptions =
  'out state-dict init mode logit-scale log batch-rows checkpoint checkpoint-every precision threads provider'.split(
    ' ',
  );

const modes: readonly TrainingMode[] = ['paper', 'authors-script'];

function readHyperparameters(values: OptionValues, init: HeadParts | undefined): TrainingOptions {
  const mode = values.choice('mode', modes) ?? 'paper';
  const given: Partial<Record<HyperparameterKey, number>> = {};
  const everyPair = values.optional(optionNames.batchSize) === 'all' ? ({ batchSize: 'all' } as const) : {};
  for (const { key } of hyperparameters) {
    if (key in everyPair) continue;
    const name = optionNames[key];
    const value = values.number(name);
    if (value === undefined) continue;
    const problem = hyperparameterProblem(key, value);
    if (problem !== undefined) throw new UsageError(`--${name} ${problem}.`);
    given[key] = value;
  }
  const fromInit = {
    ...(init?.temperature === undefined ? {} : { temperature: init.temperature }),
    ...(init?.beta === undefined ? {} : { initialBeta: init.beta }),
  };
  // A run is comparable to others unless it is asked to hold pairs out.
  const defaults = { ...trainingDefaults(mode), ...(mode === 'paper' ? { validationSplit: 0 } : {}), ...fromInit };
  const options: TrainingOptions = { ...defaults, ...given, ...everyPair };
  checkWidths(values, init, options);
  return options;
}

/** `--init` decides the widths; asking for others is a mistake. */
function checkWidths(values: OptionValues, init: HeadParts | undefined, options: TrainingOptions): void {
  const layers = init?.gateLayers;
  if (layers === undefined) return;
  const hidden = layers.slice(0, -1).map((layer) => layer.outputSize);
  const shape = `${hidden.length} hidden layers of ${[...new Set(hidden)].join(', ') || 'no'} units`;
  if (values.optional('hidden-layers') !== undefined && options.hiddenLayers !== hidden.length)
    throw new UsageError(`--hidden-layers is ${options.hiddenLayers}, but the gate of --init has ${shape}.`);
  if (values.optional('hidden') !== undefined && hidden.some((width) => width !== options.hidden))
    throw new UsageError(`--hidden is ${options.hidden}, but the gate of --init has ${shape}.`);
}

async function readInit(path: string | undefined): Promise<HeadParts | undefined> {
  if (path === undefined) return undefined;
  const parts = await readHeadParts([await openDiskDataFile(diskDataFile(path))]);
  if (parts.gateLayers === undefined)
    throw new FormatError('mismatch', basename(path), 'has no gate to start from (gating.layers.0.weight).');
  return parts;
}

/** @throws UsageError, FormatError. */
async function readBatchRows(path: string | undefined): Promise<number[][] | undefined> {
  if (path === undefined) return undefined;
  const json = await readJsonFile(await openDiskDataFile(diskDataFile(path)), 256 * 1024 * 1024);
  const rows: unknown = isJsonObject(json) ? json['batches'] : json;
  if (!Array.isArray(rows)) throw new FormatError('malformed', basename(path), 'holds no array of arrays of pairs.');
  return rows.map((step: unknown, i) => {
    if (!Array.isArray(step)) throw new FormatError('malformed', basename(path), `step ${i + 1} is no array of pairs.`);
    return step.map(Number);
  });
}

function narrator(steps: number, { stream, log }: Terminal): (event: TrainingEvent) => void {
  let bar = new ProgressBar(stream);
  let reading = new ProgressBar(stream);
  let latest = '';
  return (event) => {
    if (event.kind === 'prepare') reading.update({ done: event.done, total: event.total, unit: 'pairs', note: 'read' });
    else if (event.kind === 'warning') log(`Warning: ${event.warning.message}`);
    else if (event.kind === 'started') {
      const { trainPairs, heldOutPairs, parameters, device, fromStep, secondsPerStep } = event;
      log(
        `${trainPairs} pairs to train on${heldOutPairs > 0 ? `, ${heldOutPairs} held out` : ''}; ` +
          `${parameters.toLocaleString('en')} parameters; ${device}${fromStep > 0 ? `; going on after step ${fromStep}` : ''}.`,
      );
      if (secondsPerStep !== undefined) {
        const step = secondsPerStep < 10 ? `${secondsPerStep.toFixed(1)} s` : formatDuration(secondsPerStep);
        log(`About ${step} a step on this processor, ${formatDuration(secondsPerStep * (steps - fromStep))} in all.`);
      }
      bar = new ProgressBar(stream, fromStep);
    } else if (event.kind === 'step') {
      const last = event.steps.at(-1);
      if (last !== undefined)
        bar.update({ done: last.step, total: steps, unit: 'steps', note: `loss ${last.loss.toFixed(4)}${latest}` });
    } else if (event.kind === 'eval') {
      const { on, loss, accuracy, gateEntropy } = event.evaluation;
      latest = `, ${on} loss ${loss.toFixed(4)} accuracy ${accuracy.toFixed(3)} gate entropy ${gateEntropy.toFixed(3)}`;
    } else if (event.kind === 'done') {
      const { step, evaluation } = event.result;
      bar.finish({ done: step, total: steps, unit: 'steps', note: latest.slice(2) });
      for (const { message } of evaluation?.health.warnings ?? []) log(`Warning: ${message}`);
    }
  };
}

async function train(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { log } = terminal;
  const values = readOptions(argv, {
    features: 'list',
    heads: 'list',
    active: 'list',
    resume: 'flag',
    ...Object.fromEntries([...Object.values(optionNames), ...otherOptions].map((name) => [name, 'text' as const])),
  });
  const outPath = values.required('out');
  values.required('features');
  values.required('heads');
  values.choice('provider', ['cpu']);
  const precision = values.choice('precision', ['auto', 'f64', 'f32']) ?? 'auto';
  const threads = values.number('threads');
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1))
    throw new UsageError(`--threads must be a positive whole number, not ${threads}.`);
  const checkpointPath = values.optional('checkpoint');
  if (values.flag('resume') && checkpointPath === undefined) throw new UsageError('--resume needs --checkpoint.');
  if (!(await stat(dirname(outPath)).catch(() => undefined))?.isDirectory())
    throw new UsageError(`--out: there is no folder ${dirname(outPath)}.`);
  const init = await readInit(values.optional('init'));
  const options = readHyperparameters(values, init);
  const active = values.list('active').map(Number);
  if (active.some((j) => !Number.isInteger(j) || j < 0) || new Set(active).size !== active.length)
    throw new UsageError('--active must be different whole numbers from 0 on, separated by commas.');
  const logitScale = values.number('logit-scale') ?? init?.logitScale;
  const batchRows = await readBatchRows(values.optional('batch-rows'));
  const every = values.number('checkpoint-every');
  if (every !== undefined && !(Number.isInteger(every) && every >= 0))
    throw new UsageError(`--checkpoint-every must be a whole number, not ${every}.`);
  const features = await expandFolders('features', values.list('features'));
  const request: TrainingRequest = {
    runId: basename(outPath),
    features: features.map(diskDataFile),
    head: { kind: 'files', files: values.list('heads').map(diskDataFile) },
    options,
    ...(active.length === 0 ? {} : { activeObjectives: active }),
    ...(init?.gateLayers === undefined ? {} : { initialGate: init.gateLayers }),
    ...(logitScale === undefined ? {} : { logitScale }),
    ...(every === undefined ? {} : { checkpointEvery: every }),
    ...(batchRows === undefined ? {} : { batchRows }),
    resume: values.flag('resume'),
  };
  if (options.mode === 'authors-script') {
    log('As the authors’ script. Where it leaves the paper:');
    for (const { script, consequence } of authorsScriptConsequences) log(`- ${script} ${consequence}`);
  }
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort(new DOMException('Interrupted.', 'AbortError'));
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  const startedAt = performance.now();
  const logPath = values.optional('log');
  const stateDictPath = values.optional('state-dict');
  const result = await trainFiles({
    request,
    factory: nodeTrainerFactory({ precision, ...(threads === undefined ? {} : { threads }) }),
    outPath,
    ...(stateDictPath === undefined ? {} : { stateDictPath }),
    ...(logPath === undefined ? {} : { logPath }),
    ...(checkpointPath === undefined ? {} : { checkpoints: diskCheckpoints(checkpointPath) }),
    signal: interrupt.signal,
    onEvent: narrator(options.steps, terminal),
  });
  log(
    `${outPath}: step ${result.step} of ${options.steps} (${result.reason}), beta ${result.beta.toFixed(4)}, ` +
      `${formatDuration((performance.now() - startedAt) / 1000)}.`,
  );
  if (!interrupt.signal.aborted) return 0;
  log(checkpointPath === undefined ? 'Interrupted.' : 'Interrupted. The same command with --resume goes on from here.');
  return exitInterrupted;
}

/** The command. @returns its exit code. */
export function trainCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  return runCommand(() => train(argv, terminal), usage, terminal);
}
