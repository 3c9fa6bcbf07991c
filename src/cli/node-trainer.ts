/** Which trainer the command line uses. */
import { cpuTrainerFactory, type TrainerFactory } from '@/jobs/host/trainer-factory.ts';

export interface NodeTrainerOptions {
  readonly precision: 'auto' | 'f64' | 'f32';
  readonly threads?: number;
}

export function nodeTrainerFactory(_options: NodeTrainerOptions): TrainerFactory {
  return cpuTrainerFactory;
}
