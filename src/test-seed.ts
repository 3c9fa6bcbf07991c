/** One seed for every property test, so that a run here and a run there are the same run. `FC_SEED` tries another. */
import * as fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env['FC_SEED'] ?? 20_261_124) });
