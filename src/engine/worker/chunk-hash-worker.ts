/** The entry of a worker that hashes chunks of a kept file while others hash the rest. */
import { serveHashes } from '@/engine/host/hash-workers.ts';

serveHashes(self);
