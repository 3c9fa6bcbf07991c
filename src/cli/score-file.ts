/**
 * Scores a file of lines through a loaded engine: input order, one output line per input line, resumable.
 *
 * A line that cannot be scored becomes `{…its fields, "line": N, "error": "…"}` in its place, so that line numbers of input and
 * output agree (blank input lines have none); the rest go on. Consecutive lines of one conversation share its computation.
 */
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { EngineError } from '@/engine/api/errors.ts';
import { requestsAtOnce } from '@/engine/api/requests-at-once.ts';
import type { LoadedModel, ScoredResponse } from '@/engine/api/messages.ts';
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import type { ByteSource } from '@/formats/byte-source.ts';
import { readChunks, readLines } from '@/formats/jsonl.ts';
import type { TextLine } from '@/formats/jsonl.ts';
import { codePoints } from '@/formats/code-points.ts';
import { formatScoreLine, parseScoreLine } from '@/formats/score-lines.ts';
import type { ScoreLine, ScoreLineError } from '@/formats/score-lines.ts';
import type { ProgressState } from './progress-bar.ts';
import { FeatureRows, hasRows, labelsOf } from './score-features.ts';
import type { FeatureShape } from './score-features.ts';
import { chainHash, emptyInputHash, keepVouchedLines, readState, writeState } from './score-state.ts';
import type { ScoreState } from './score-state.ts';

export interface ScoreFileOptions {
  readonly engine: Pick<RewardEngine, 'score'>;
  readonly model: LoadedModel;
  readonly input: ByteSource;
  readonly outputPath: string;
  readonly featuresPath?: string;
  readonly signal?: AbortSignal;
  /** Called once before the first line, with what an earlier run had done. */
  readonly onStart: (alreadyDone: number, total: number) => void;
  readonly onProgress: (state: ProgressState) => void;
  /** Messages for the person: bad lines, a start from scratch. */
  readonly log: (message: string) => void;
}

export interface ScoreFileResult {
  readonly lines: number;
  /** Lines kept from an earlier run. */
  readonly resumedLines: number;
  /** Lines that could not be scored, by this run or an earlier one. */
  readonly badLines: number;
  /** Tokens computed by this run, shared ones once. */
  readonly computedTokens: number;
}

/** Responses that are scored before anything is written: what a kill loses at most. */
const mostResponsesTogether = 16;
/** The state is written at most this often; what was done since is redone after a kill. */
const stateIntervalMs = 1000;

/** Errors of the engine that concern one line's text; every other one ends the run. */
const lineErrors: ReadonlySet<string> = new Set(['bad-input', 'too-long', 'internal']);

/** One line on its way to the output. */
interface Pending {
  readonly parsed: ScoreLine | ScoreLineError;
  /** Chained hash of the input up to and including this line. */
  readonly hash: string;
}

interface Answer {
  readonly text: string;
  readonly bad: boolean;
  readonly featureRow?: readonly Float32Array[];
}

/** @throws EngineError, FormatError of the input, or of `--features` over a file that mixes responses and pairs. */
export async function scoreFile(options: ScoreFileOptions): Promise<ScoreFileResult> {
  return new ScoreRun(options).run();
}

class ScoreRun {
  readonly #options: ScoreFileOptions;
  #total = 0;
  #lines = 0;
  #inputHash = emptyInputHash;
  #outputBytes = 0;
  /** Lines that could not be scored, counted from 0 and without blank ones. */
  #bad: number[] = [];
  #computedTokens = 0;
  #stateWrittenAt = -Infinity;
  #output: FileHandle | undefined;
  #features: FeatureRows | undefined;
  #featureShape: FeatureShape | undefined;

  constructor(options: ScoreFileOptions) {
    this.#options = options;
  }

  async run(): Promise<ScoreFileResult> {
    const { outputPath, featuresPath, model } = this.#options;
    const state = await readState(outputPath);
    const kinds = await this.#scan(state?.lines ?? 0);
    if (featuresPath !== undefined) {
      const { manifest } = model;
      const objectives = manifest.objectives.map(({ name }) => name);
      this.#featureShape = { kind: kinds.kind, hiddenSize: manifest.architecture.hiddenSize, objectives };
    }
    const kept = await this.#keep(state, kinds.hashAtState);
    const resumedLines = kept.lines;
    this.#bad = (state?.bad ?? []).filter((line) => line < kept.lines);
    this.#options.onStart(resumedLines, this.#total);
    if (kept.complete) return this.#result(resumedLines);

    this.#output = await open(outputPath, kept.lines > 0 ? 'a' : 'w');
    this.#outputBytes = kept.bytes;
    if (featuresPath !== undefined && this.#featureShape !== undefined) {
      this.#features = await FeatureRows.open(featuresPath, this.#featureShape, kept.featureRows);
    }
    try {
      await this.#scoreFrom(kept.lines);
      await this.#saveState();
      await this.#features?.finish();
    } catch (error) {
      await this.#saveState();
      await this.#features?.close();
      throw error;
    } finally {
      await this.#output.close();
    }
    return this.#result(resumedLines);
  }

  #result(resumedLines: number): ScoreFileResult {
    return { lines: this.#total, resumedLines, badLines: this.#bad.length, computedTokens: this.#computedTokens };
  }

  #textLines(): AsyncGenerator<TextLine> {
    return readLines(readChunks(this.#options.input, this.#options.signal));
  }

  /** Counts the lines, and with `--features` learns which layout they ask for. */
  async #scan(stateLines: number): Promise<{ kind: FeatureShape['kind']; hashAtState: string }> {
    let hash = emptyInputHash;
    let hashAtState = emptyInputHash;
    let firstResponse: number | undefined;
    let firstPair: number | undefined;
    for await (const item of this.#textLines()) {
      this.#total += 1;
      if (this.#total <= stateLines) {
        hash = chainHash(hash, textOf(item));
        if (this.#total === stateLines) hashAtState = hash;
      }
      if (this.#options.featuresPath !== undefined && 'text' in item) {
        const { kind } = parseScoreLine(item.text, item.line);
        if (kind === 'response') firstResponse ??= item.line;
        if (kind === 'pair') firstPair ??= item.line;
      }
    }
    if (firstResponse !== undefined && firstPair !== undefined) {
      throw new EngineError({
        code: 'bad-input',
        message:
          `Line ${firstResponse} holds a response and line ${firstPair} a pair: a feature file holds one kind ` +
          '(stage 1: responses, stage 2: pairs). Split the input, or leave --features out.',
      });
    }
    return { kind: firstPair === undefined ? 'responses' : 'pairs', hashAtState };
  }

  /** What of an earlier run still holds. */
  async #keep(
    state: ScoreState | undefined,
    hashAtState: string,
  ): Promise<{ lines: number; bytes: number; featureRows: number; complete: boolean }> {
    const { outputPath, featuresPath, model, log } = this.#options;
    const nothing = { lines: 0, bytes: 0, featureRows: 0, complete: false };
    if (state === undefined) return nothing;
    const { provider, manifest } = model;
    if (state.modelId !== manifest.id || state.provider !== provider || state.inputHash !== hashAtState) {
      log('The output there is of another input, model or provider: starting over.');
      return nothing;
    }
    const rows = state.features?.rows ?? 0;
    const shape = this.#featureShape;
    const { lines, bytes } = await keepVouchedLines(outputPath, state);
    const allThere = lines === this.#total && lines === state.lines;
    if (featuresPath === undefined || shape === undefined) return { lines, bytes, featureRows: 0, complete: allThere };
    const sameFile = state.features?.path === featuresPath && state.features.kind === shape.kind;
    if (sameFile && allThere && (await exists(featuresPath)))
      return { lines, bytes, featureRows: rows, complete: true };
    if (sameFile && lines === state.lines && (await hasRows(featuresPath, shape, rows))) {
      return { lines, bytes, featureRows: rows, complete: false };
    }
    log('The features of the lines that are done are not there any more: starting over.');
    return nothing;
  }

  async #scoreFrom(firstLine: number): Promise<void> {
    let index = 0;
    let hash = emptyInputHash;
    let group: Pending[] = [];
    let groups: Pending[][] = [];
    let responses = 0;
    const atOnce = requestsAtOnce(this.#options.model.memory);
    for await (const item of this.#textLines()) {
      hash = chainHash(hash, textOf(item));
      index += 1;
      if (index <= firstLine) {
        this.#lines = index;
        this.#inputHash = hash;
        continue;
      }
      const parsed = parse(item);
      const added = parsed.kind === 'error' ? 0 : parsed.kind === 'pair' ? 2 : 1;
      if (
        group.length > 0 &&
        (!shareConversation(group[0]?.parsed, parsed) || responses + added > mostResponsesTogether)
      ) {
        groups.push(group);
        group = [];
        responses = 0;
        if (groups.length >= atOnce) {
          await this.#answerAll(groups);
          groups = [];
        }
      }
      group.push({ parsed, hash });
      responses += added;
    }
    if (group.length > 0) groups.push(group);
    await this.#answerAll(groups);
  }

  /** Scores conversations together and writes their answers in order, up to the first that fails for good. */
  async #answerAll(groups: readonly (readonly Pending[])[]): Promise<void> {
    const scoring = groups.map((group) => this.#scoreLines(group.map(({ parsed }) => parsed)));
    // Those after one that fails are not waited for.
    for (const answers of scoring) answers.catch(() => undefined);
    for (const [i, group] of groups.entries()) await this.#write(group, (await scoring[i]) ?? []);
  }

  /** Writes the answers of one conversation's lines. */
  async #write(group: readonly Pending[], answers: readonly Answer[]): Promise<void> {
    const { log, onProgress } = this.#options;
    const text = answers.map((answer) => `${answer.text}\n`).join('');
    // The rows first: the state vouches for lines only together with their rows.
    for (const { featureRow } of answers) if (featureRow !== undefined) await this.#features?.append(featureRow);
    await this.#output?.appendFile(text);
    this.#outputBytes += Buffer.byteLength(text);
    this.#lines += group.length;
    this.#inputHash = group.at(-1)?.hash ?? this.#inputHash;
    for (const [i, { bad }] of answers.entries()) {
      if (!bad) continue;
      this.#bad.push(this.#lines - group.length + i);
      const parsed = group[i]?.parsed;
      log(`line ${parsed?.line}: ${errorOf(answers[i]?.text)}`);
    }
    if (performance.now() - this.#stateWrittenAt > stateIntervalMs) await this.#saveState();
    onProgress({ done: this.#lines, total: this.#total, unit: 'lines' });
  }

  async #scoreLines(lines: readonly (ScoreLine | ScoreLineError)[]): Promise<Answer[]> {
    const [first] = lines;
    if (first === undefined) return [];
    if (first.kind === 'error') return lines.map((line) => badAnswer(line, line.kind === 'error' ? line.message : ''));
    const scorable = lines.filter((line): line is ScoreLine => line.kind !== 'error');
    const { engine, signal, featuresPath } = this.#options;
    try {
      const { responses } = await engine.score(
        { messages: first.messages, responses: scorable.flatMap(responsesOf), features: featuresPath !== undefined },
        signal === undefined ? {} : { signal },
      );
      for (const [i, { tokens }] of responses.entries())
        this.#computedTokens += tokens.total - (i === 0 ? 0 : tokens.reused);
      let at = 0;
      return scorable.map((line) => {
        const own = responses.slice(at, at + responsesOf(line).length);
        at += own.length;
        return this.#goodAnswer(line, own);
      });
    } catch (error) {
      if (!(error instanceof EngineError) || !lineErrors.has(error.code)) throw error;
      if (lines.length === 1) return [badAnswer(first, error.message)];
      // One of them is bad: alone, each answers for itself.
      const answers: Answer[] = [];
      for (const line of lines) answers.push(...(await this.#scoreLines([line])));
      return answers;
    }
  }

  #goodAnswer(line: ScoreLine, responses: readonly ScoredResponse[]): Answer {
    const [first, second] = responses;
    if (first === undefined) throw new Error('the engine returned too few responses');
    const shape = this.#featureShape;
    if (line.kind === 'response') {
      const row =
        shape === undefined ? {} : { featureRow: [required(first.feature), labelsOf(line.extra, shape.objectives)] };
      return { text: formatScoreLine(line.extra, fieldsOf(first, line.response)), bad: false, ...row };
    }
    if (second === undefined) throw new Error('the engine returned too few responses');
    const text = formatScoreLine(line.extra, {
      chosen: fieldsOf(first, line.chosen),
      rejected: fieldsOf(second, line.rejected),
      margin: first.score - second.score,
    });
    if (shape === undefined) return { text, bad: false };
    const featureRow = [first.feature, second.feature, first.gateFeature, second.gateFeature].map(required);
    return { text, bad: false, featureRow };
  }

  async #saveState(): Promise<void> {
    const { model, outputPath, featuresPath } = this.#options;
    this.#stateWrittenAt = performance.now();
    await writeState(outputPath, {
      version: 1,
      modelId: model.manifest.id,
      provider: model.provider,
      lines: this.#lines,
      inputHash: this.#inputHash,
      outputBytes: this.#outputBytes,
      bad: this.#bad,
      ...(featuresPath === undefined || this.#features === undefined || this.#featureShape === undefined
        ? {}
        : { features: { path: featuresPath, kind: this.#featureShape.kind, rows: this.#features.rows } }),
    });
  }
}

function textOf(item: TextLine): string {
  return 'text' in item ? item.text : `unreadable: ${item.error}`;
}

function parse(item: TextLine): ScoreLine | ScoreLineError {
  if ('text' in item) return parseScoreLine(item.text, item.line);
  return { kind: 'error', line: item.line, message: item.error, extra: new Map() };
}

function responsesOf(line: ScoreLine): readonly string[] {
  return line.kind === 'pair' ? [line.chosen, line.rejected] : [line.response];
}

function shareConversation(a: ScoreLine | ScoreLineError | undefined, b: ScoreLine | ScoreLineError): boolean {
  if (a === undefined || a.kind === 'error' || b.kind === 'error') return false;
  return (
    a.messages.length === b.messages.length &&
    a.messages.every(({ role, content }, i) => role === b.messages[i]?.role && content === b.messages[i]?.content)
  );
}

function fieldsOf(response: ScoredResponse, text: string): Readonly<Record<string, unknown>> {
  const { score, rewards, adjustedRewards, gateLogits, gateWeights, coefficients, tokens, warnings } = response;
  return {
    score,
    // Typed arrays inside an object (a pair) would become objects.
    rewards: Array.from(rewards),
    adjustedRewards: Array.from(adjustedRewards),
    gateLogits: Array.from(gateLogits),
    gateWeights: Array.from(gateWeights),
    coefficients: Array.from(coefficients),
    tokens: tokens.total,
    responseTokens: tokens.response,
    characters: codePoints(text),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}

function badAnswer(line: ScoreLine | ScoreLineError, message: string): Answer {
  return { text: formatScoreLine(line.extra, { line: line.line, error: message }), bad: true };
}

function errorOf(text: string | undefined): string {
  const parsed: unknown = text === undefined ? undefined : JSON.parse(text);
  return typeof parsed === 'object' && parsed !== null && 'error' in parsed ? String(parsed.error) : 'not scored';
}

function required(feature: Float32Array | undefined): Float32Array {
  if (feature === undefined) throw new Error('the engine returned no features');
  return feature;
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
