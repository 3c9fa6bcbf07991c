/** What a folder is that was dropped or opened as a package and holds a checkpoint, above the panel that converts it. */
import { useEffect, useRef } from 'react';
import { Notice } from '@/components/notice.tsx';
import { useCheckpointChoice } from '@/state/checkpoint-choice.ts';

export function OfferedCheckpoint() {
  const choice = useCheckpointChoice();
  const base = choice.chosen?.name ?? choice.gguf?.file.path;
  const offered = choice.offered ? (base ?? choice.adapter?.name) : undefined;
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (offered !== undefined) place.current?.scrollIntoView({ block: 'start' });
  }, [offered]);
  if (offered === undefined) return undefined;
  return (
    <div ref={place} role="status">
      <Notice
        tone="plain"
        title={base === undefined ? `${offered}: a LoRA adapter` : `${offered}: a checkpoint, not a package yet`}
      >
        <p className="small">
          {base === undefined
            ? 'It changes the weights of a model: choose that model below, and Convert merges both into a package.'
            : 'It holds a model’s weights as they were published. Convert makes a package of them, once; the package is what is opened. What was chosen is only read.'}
        </p>
      </Notice>
    </div>
  );
}
