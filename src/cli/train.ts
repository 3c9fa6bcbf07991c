/** `npm run train`: see train-command.ts. */
import { standardError } from './arguments.ts';
import { trainCommand } from './train-command.ts';

process.exitCode = await trainCommand(process.argv.slice(2), standardError);
