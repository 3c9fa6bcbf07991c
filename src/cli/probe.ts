/** `npm run probe`: see probe-command.ts. */
import { standardError } from './arguments.ts';
import { probeCommand } from './probe-command.ts';

process.exitCode = await probeCommand(process.argv.slice(2), standardError);
