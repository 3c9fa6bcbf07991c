/** The entry of a worker that hashes a file, or chunks of one, while others hash the rest. */
import { serveHashes } from '@/engine/host/hash-workers.ts';

serveHashes(self);
