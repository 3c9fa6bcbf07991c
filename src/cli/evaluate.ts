/** `npm run evaluate`: see evaluate-command.ts. */
import { standardError } from './arguments.ts';
import { evaluateCommand } from './evaluate-command.ts';

process.exitCode = await evaluateCommand(process.argv.slice(2), standardError, (text) => process.stdout.write(text));
