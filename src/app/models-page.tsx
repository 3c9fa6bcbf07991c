/** The Models view, with the script of the worker that keeps packages. */
export { ModelsView as Page } from '@/features/models/models-view.tsx';
export { workerUrl } from './package-jobs.ts';
