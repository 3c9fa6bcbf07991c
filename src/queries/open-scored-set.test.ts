import { beforeEach, expect, it } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import { adjustedRewards, gateWeights, score } from '@/core/reward-head.ts';
import { ScoredSetBuilder } from '@/core/scored-set.ts';
import { fakeHead, fakeManifest } from '@/engine/fake/fake-model.ts';
import { formatScoreLine } from '@/formats/score-lines.ts';
import { closeScoredSet, scoredSetOf, useLoadedSet } from '@/state/loaded-set.ts';
import { openScoredSet, setProblem } from './open-scored-set.ts';

const owner = { manifest: fakeManifest, transform: fakeHead.transform };
const names = fakeManifest.objectives.map(({ name }) => name);
const random = new SeededRandom(9);
const numbers = (spread: number) => Float64Array.from(names, () => spread * random.normal());

function scoredRow(logits: Float64Array) {
  const rewards = numbers(1);
  const weights = gateWeights(fakeHead, logits);
  return { rewards, gateWeights: weights, score: score(weights, adjustedRewards(fakeHead, rewards)) };
}

/** Pairs as `npm run score` writes them: without logits. */
function lines(pairs: number): string[] {
  return Array.from({ length: pairs }, () => {
    const logits = numbers(10);
    const plain = () => {
      const { rewards, gateWeights: weights, ...rest } = scoredRow(logits);
      return { ...rest, rewards: [...rewards], gateWeights: [...weights] };
    };
    return formatScoreLine(new Map(), { chosen: plain(), rejected: plain() });
  });
}

function file(text: readonly string[], name = 'scored.jsonl'): File {
  return new File([text.join('\n')], name);
}

beforeEach(() => {
  closeScoredSet();
});

it('a file of the model’s own scores becomes the loaded set', async () => {
  await openScoredSet(file(lines(3)), owner);
  const { summary, problem } = useLoadedSet.getState();
  expect(problem).toBeUndefined();
  expect(summary).toMatchObject({ name: 'scored.jsonl', rows: 6, groups: 3, rejected: 0 });
  expect(scoredSetOf(summary)?.objectives).toEqual(names);
});

it('bad lines are counted, the others are read', async () => {
  const [first = '', second = ''] = lines(2);
  await openScoredSet(file([first, '{"line":2,"error":"too long"}', second, 'no json']), owner);
  expect(useLoadedSet.getState().summary).toMatchObject({ rows: 4, rejected: 2 });
});

it('a file that does not fit is refused in words, and the set before it stays', async () => {
  await openScoredSet(file(lines(3)), owner);
  const before = useLoadedSet.getState().summary;
  const wrong = lines(1)[0]?.replace(/"score":[^,]*/, '"score":5') ?? '';
  for (const [text, words] of [
    [
      [wrong],
      /bad\.jsonl was not opened: row 1 says a score of 5, and the head of fake@.* Open the model that scored it/,
    ],
    [['nothing'], /bad\.jsonl/],
    [[], /has no rows/],
    [['{"score":1,"rewards":[1,2],"gateWeights":[0.5,0.5]}'], /2 objectives, and the model in use has 19/],
  ] as const) {
    await openScoredSet(file(text, 'bad.jsonl'), owner);
    expect(useLoadedSet.getState().problem).toMatch(words);
    expect(useLoadedSet.getState()).toMatchObject({ summary: before, reading: false });
  }
});

it('objectives of another name are named', () => {
  const builder = new ScoredSetBuilder(names.with(2, 'charm'));
  builder.addGroup('1', 1, [scoredRow(numbers(10))]);
  expect(setProblem(builder.finish(), owner)).toBe(
    'its objective 3 is charm, which the model in use calls helpsteer-coherence.',
  );
});
