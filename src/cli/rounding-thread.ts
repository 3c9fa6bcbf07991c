/** A thread that rounds slabs of weights for `node-rounder.ts`. */
import { parentPort } from 'node:worker_threads';
import { defined } from '@/base/assert.ts';
import { answerRounding, type RoundingRequest } from '@/convert/slab-rounder.ts';

const port = defined(parentPort ?? undefined, 'the port of the thread that started this one');
port.on('message', (request: RoundingRequest) => {
  const { reply, transfer } = answerRounding(request);
  port.postMessage(reply, transfer);
});
