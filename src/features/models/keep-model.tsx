/** Keeps the model in use on this machine; absent where it is here already, or ships with the page. */
import { Button } from '@mantine/core';
import { keepSource } from '@/queries/kept-actions.ts';
import { canKeep, useKeptPackages } from '@/queries/kept-packages.ts';
import { usePackageJobs } from '@/queries/package-context.ts';
import { useKeptTasks } from '@/state/kept-tasks.ts';
import { modelSource, type ModelChoice } from '@/state/model-choice.ts';

export function KeepModel({ choice, modelId }: { readonly choice: ModelChoice; readonly modelId: string }) {
  const jobs = usePackageJobs();
  const packages = useKeptPackages();
  const saving = useKeptTasks(({ tasks }) => tasks.some(({ kind }) => kind === 'save'));
  const here = packages.data?.some(({ key, deleted }) => key === modelId && !deleted) ?? true;
  if (choice.kind === 'embedded' || choice.kind === 'kept' || here || !canKeep()) return null;
  const keep = () => {
    const source = modelSource(choice, document.baseURI);
    if (source.kind !== 'directory') void keepSource(jobs, source);
  };
  return (
    <Button size="compact-sm" disabled={saving} onClick={keep}>
      Keep on this machine
    </Button>
  );
}
