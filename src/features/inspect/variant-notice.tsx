/** Says that the scores on the page are not those of the model's own head, and how to return to it. */
import { Button } from '@mantine/core';
import { Notice } from '@/components/notice.tsx';
import type { ActiveHead } from '@/queries/active-head.ts';
import { activateVariant } from '@/state/head-variants.ts';
import type { InspectionEntry } from './use-inspection.ts';

interface Props {
  readonly active: ActiveHead | undefined;
  readonly entries: readonly InspectionEntry[];
}

export function VariantNotice({ active, entries }: Props) {
  const variant = active?.variant;
  if (active === undefined || variant === undefined) return null;
  const unread = entries.some(({ own }) => own !== undefined && active.evaluate(own) === undefined);
  return (
    <Notice tone="plain" title={`Scores are shown under the head “${variant.name}”`}>
      <p>
        {variant.note} The model’s own score stands beside each.{' '}
        {unread
          ? 'Recorded results bring no features, which this head reads, so they are shown under the model’s own head until they are scored here.'
          : ''}
      </p>
      <div>
        <Button size="compact-sm" variant="default" onClick={() => activateVariant(variant.modelId, undefined)}>
          Use the model’s own head
        </Button>
      </div>
    </Notice>
  );
}
