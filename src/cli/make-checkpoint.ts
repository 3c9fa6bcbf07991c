/** `npm run make-checkpoint`: see make-checkpoint-command.ts. */
import { standardError } from './arguments.ts';
import { makeCheckpointCommand } from './make-checkpoint-command.ts';

process.exitCode = await makeCheckpointCommand(process.argv.slice(2), standardError);
