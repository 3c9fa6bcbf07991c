/** What a folder is that was dropped or opened as a package and holds a checkpoint, above the panel that converts it. */
import { useEffect, useRef } from 'react';
import { Notice } from '@/components/notice.tsx';
import { useCheckpointChoice } from '@/state/checkpoint-choice.ts';

export function OfferedCheckpoint() {
  const offered = useCheckpointChoice(({ chosen, offered: given }) => (given ? chosen : undefined));
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (offered !== undefined) place.current?.scrollIntoView({ block: 'start' });
  }, [offered]);
  if (offered === undefined) return undefined;
  return (
    <div ref={place} role="status">
      <Notice tone="plain" title={`${offered.name}: a checkpoint, not a package yet`}>
        <p className="small">
          It holds a model’s weights as they were published. Convert makes a package of them, once; the package is what
          is opened. The folder is only read.
        </p>
      </Notice>
    </div>
  );
}
