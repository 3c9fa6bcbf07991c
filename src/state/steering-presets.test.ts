import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ARMORM_OBJECTIVES } from '@/core/armorm-objectives.ts';
import { identitySteering, steeredGateWeights, type SteerableHead } from '@/core/steering.ts';
import {
  builtInPresets,
  builtInSteering,
  importPresets,
  presetFile,
  presetSteering,
  removePreset,
  savePreset,
  usePresets,
} from './steering-presets.ts';

const objectives = ARMORM_OBJECTIVES.map(({ name }) => name);
const k = objectives.length;
const head: SteerableHead = {
  objectives: k,
  transform: Float64Array.from({ length: k * k }, (_, at) => (at % (k + 1) === 0 ? 1 : 0)),
  gate: { temperature: 10, logitScale: 1.5 },
  verbosityDimensions: [4],
};
const steering = { ...identitySteering, logitShifts: { 3: 2.5 }, muted: [7], coefficientOverrides: { 4: -0.25 } };

const storage = new Map<string, string>();
beforeEach(() => {
  storage.clear();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => storage.get(key) ?? null,
    setItem: (key: string, value: string) => void storage.set(key, value),
  });
  usePresets.setState({ saved: [], problem: undefined });
});

describe('a built-in preset', () => {
  it.each(builtInPresets)('$name does what it says on ArmoRM’s objectives', (preset) => {
    const made = builtInSteering(preset, objectives, head);
    if (made === undefined) throw new Error('the preset has no objectives');
    const logits = Float64Array.from({ length: k }, (_, j) => 3 * Math.sin(j));
    const [before, after] = [identitySteering, made].map((each) => steeredGateWeights(head, logits, each));
    const touched = (j: number) => j in made.logitShifts || made.muted.includes(j);
    const other = objectives.findIndex((_, j) => !touched(j));
    const odds = (weights: Float64Array | undefined, j: number) => (weights?.[j] ?? 0) / (weights?.[other] ?? 0);
    for (const [j, name] of objectives.entries()) {
      const factor = preset.odds?.find(([pattern]) => pattern.test(name))?.[1] ?? 1;
      const expected = preset.muted?.test(name) === true ? 0 : factor * odds(before, j);
      expect(odds(after, j)).toBeCloseTo(expected, 10);
    }
    expect(after?.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1.5, 12);
  });

  it('is not offered to a model that has none of its objectives', () => {
    const others = objectives.map((_, index) => `taste-${index}`);
    for (const preset of builtInPresets) expect(builtInSteering(preset, others, head)).toBeUndefined();
  });
});

describe('the person’s presets', () => {
  it('are kept, and come back from their file to the bit', () => {
    expect(savePreset('Mine', steering, objectives)).toBe('Mine');
    expect(savePreset('Mine', identitySteering, objectives)).toBe('Mine (2)');
    expect(savePreset('Concise', steering, objectives)).toBe('Concise (2)');
    const file = presetFile();
    expect(storage.get('armoscope-presets')).toBe(file);
    usePresets.setState({ saved: [] });
    expect(importPresets(file)).toEqual({ names: ['Mine', 'Mine (2)', 'Concise (2)'] });
    const [mine] = usePresets.getState().saved;
    expect(presetSteering(mine?.weights ?? {}, objectives, head)).toEqual({ steering });
  });

  it('are deleted, and the deletion taken back', () => {
    savePreset('Mine', steering, objectives);
    const before = usePresets.getState().saved;
    const restore = removePreset('Mine');
    expect(usePresets.getState().saved).toEqual([]);
    restore();
    expect(usePresets.getState().saved).toEqual(before);
  });

  it('for other objectives are refused in words', () => {
    savePreset('Mine', steering, objectives);
    const [mine] = usePresets.getState().saved;
    const others = objectives.with(3, 'charm');
    expect(presetSteering(mine?.weights ?? {}, others, head)).toEqual({
      problem: 'It weighs helpsteer-complexity, which the loaded model does not have.',
    });
  });

  it('from a file that is none are refused, and nothing is added', () => {
    for (const text of ['', '[]', '{"format":"armoscope-presets","formatVersion":2,"presets":[]}', '{"a":1}'])
      expect(importPresets(text)).toMatchObject({
        problem: expect.stringMatching(/not JSON|holds no presets/) as string,
      });
    expect(usePresets.getState().saved).toEqual([]);
  });

  it('that cannot be kept last as long as the page, and say so', () => {
    vi.stubGlobal('localStorage', {
      setItem: () => {
        throw new DOMException('quota', 'QuotaExceededError');
      },
    });
    savePreset('Mine', steering, objectives);
    expect(usePresets.getState()).toMatchObject({
      saved: [{ name: 'Mine' }],
      problem: expect.stringMatching(/quota/) as string,
    });
  });
});
