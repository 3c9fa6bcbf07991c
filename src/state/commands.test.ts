import { expect, it } from 'vitest';
import { allCommands, findCommands, registerCommands, type Command } from './commands.ts';

function command(id: string, label: string, more: Partial<Command> = {}): Command {
  return { id, label, group: 'Group', run: () => undefined, ...more };
}

it('commands come and go, and a later one replaces an earlier one of its id', () => {
  const before = allCommands().length;
  const first = registerCommands([command('a', 'First'), command('b', 'Second')]);
  const second = registerCommands([command('a', 'Replaced')]);
  expect(allCommands().map(({ label }) => label)).toEqual(['Replaced', 'Second']);
  second();
  second();
  expect(allCommands().map(({ label }) => label)).toEqual(['First', 'Second']);
  first();
  expect(allCommands()).toHaveLength(before);
});

it('finds by every word, in label, group, description and keywords; beginnings first', () => {
  const commands = [
    command('load', 'Load the model again', { group: 'Model' }),
    command('open', 'Open Models', { group: 'Go to', description: 'open, prove and describe' }),
    command('model', 'Model of the page', { group: 'Go to' }),
    command('dark', 'Dark colours', { keywords: 'theme night' }),
  ];
  const ids = (query: string) => findCommands(commands, query).map((found) => found.commands.map(({ id }) => id));
  expect(ids('')).toEqual([['load'], ['open', 'model'], ['dark']]);
  expect(ids('model')).toEqual([['model', 'open'], ['load']]);
  expect(ids('THEME')).toEqual([['dark']]);
  expect(ids('open prove')).toEqual([['open']]);
  expect(ids('nothing')).toEqual([]);
});
