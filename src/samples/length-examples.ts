/** Examples about length, form and damage: what can be seen without knowing anything. */
import type { Example } from './example.ts';

export const lengthExamples: readonly Example[] = [
  {
    name: 'four-lengths',
    group: 'Verbosity',
    title: 'One answer in four lengths',
    about: 'Four answers, each of which says what the one before says, and more.',
    turns: ['How do I keep bread fresh for longer?'],
    responses: [
      'Keep it in a paper bag at room temperature.',
      'Keep it in a paper bag at room temperature, cut side down. Freeze what you will not eat within two days.',
      'Keep it in a paper bag at room temperature, cut side down, and out of the sun. Freeze what you will not eat within ' +
        'two days: slice it first, so that you can take out one slice at a time and toast it straight from the freezer.',
      'Keep it in a paper bag at room temperature, cut side down, and out of the sun. A bread box works too, because it ' +
        'keeps the crust from drying while letting some moisture escape. Avoid the fridge: the cold makes starch go stale ' +
        'faster. Freeze what you will not eat within two days: slice it first, so that you can take out one slice at a ' +
        'time and toast it straight from the freezer. A loaf that has gone hard can be revived by wetting the crust and ' +
        'baking it for ten minutes.',
    ],
    claims: [
      { kind: 'reward-rises', objective: 'helpsteer-verbosity', order: ['A', 'B', 'C', 'D'] },
      { kind: 'coefficient-sign', objective: 'helpsteer-verbosity', sign: 'negative' },
    ],
  },
  {
    name: 'cut-off',
    group: 'Damage',
    title: 'Cut off in the middle',
    about: 'B is A, cut off in the middle of a sentence, as by a limit on its length.',
    turns: ['Can you explain what compound interest is?'],
    responses: [
      'Compound interest is interest on your interest. If you put 100 euros in an account at 5 percent, you have 105 ' +
        'after a year. In the second year the bank pays 5 percent on all 105, which makes 110.25, and so on. The longer ' +
        'you leave it, the faster it grows.',
      'Compound interest is interest on your interest. If you put 100 euros in an account at 5 percent, you have 105 ' +
        'after a year. In the second year the bank pays 5 percent on',
    ],
    claims: [{ kind: 'prefers', a: 'A', b: 'B' }],
  },
  {
    name: 'shuffled',
    group: 'Damage',
    title: 'The same words, shuffled',
    about: 'B has the words of A in another order.',
    turns: ['How does a rainbow form?'],
    responses: [
      'Sunlight enters a raindrop, bends, and splits into its colours. The light is reflected at the back of the drop and ' +
        'bends again as it leaves. Each colour leaves at a slightly different angle, so from where you stand the drops ' +
        'higher up send you red and the lower ones violet.',
      'Drop a enters raindrop, its bends colours and splits into sunlight. Back the at reflected is light the of again ' +
        'drop and leaves it as bends. Angle colour slightly each a at leaves different, violet so red from send higher ' +
        'you drops where up you and ones the stand lower.',
    ],
    claims: [
      { kind: 'reward-higher', objective: 'helpsteer-coherence', a: 'A', b: 'B' },
      { kind: 'prefers', a: 'A', b: 'B' },
    ],
  },
  {
    name: 'steps-in-order',
    group: 'Format',
    title: 'Steps in the wrong order',
    about: 'B has the same numbered steps as A, in another order.',
    turns: ['How do I change a flat bicycle tyre? Give me the steps in order.'],
    responses: [
      '1. Turn the bike over and take the wheel out.\n' +
        '2. Let out the remaining air and lift one side of the tyre over the rim with tyre levers.\n' +
        '3. Pull out the old tube and feel inside the tyre for the thorn or glass.\n' +
        '4. Put in the new tube, slightly pumped up, valve first.\n' +
        '5. Press the tyre back over the rim by hand, pump it up, and put the wheel back.',
      '4. Put in the new tube, slightly pumped up, valve first.\n' +
        '2. Let out the remaining air and lift one side of the tyre over the rim with tyre levers.\n' +
        '5. Press the tyre back over the rim by hand, pump it up, and put the wheel back.\n' +
        '1. Turn the bike over and take the wheel out.\n' +
        '3. Pull out the old tube and feel inside the tyre for the thorn or glass.',
    ],
    claims: [
      { kind: 'mean-higher', a: 'A', b: 'B' },
      { kind: 'prefers', a: 'A', b: 'B' },
    ],
  },
];
