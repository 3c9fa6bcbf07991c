/** Lays the weights of the link the page was opened with over the model, once, or says why they do not fit it. */
import { useEffect, useState } from 'react';
import type { LinkState } from '@/state/link-codec.ts';
import { useOpenedLink } from '@/state/opened-link.ts';
import { steeringFromLink } from '@/state/steering-schema.ts';
import { setHandle, setPair, setSource, steerFresh } from '@/state/steering-store.ts';
import type { SteerSubject } from './use-steer-subject.ts';

/** A link is laid over once; what is moved afterwards is the person's own. */
const applied = new WeakSet<LinkState>();

/** @returns why the weights of the link were not applied, in words. */
export function useLinkSteering(subject: SteerSubject | undefined): string | undefined {
  const link = useOpenedLink((state) => state.link);
  const [refusal, setRefusal] = useState<{ readonly link: LinkState; readonly problem: string }>();
  const modelId = subject?.modelId;
  useEffect(() => {
    if (link?.steering === undefined || subject === undefined || applied.has(link)) return;
    const { active, objectives } = subject;
    const read = steeringFromLink(link.steering, link.model.id, {
      id: subject.modelId,
      objectives: objectives.map(({ name }) => name),
      head: active.head,
    });
    if ('problem' in read) {
      setRefusal({ link, problem: read.problem });
      return;
    }
    applied.add(link);
    setRefusal(undefined);
    steerFresh(subject.modelId, () => read.steering);
    setSource({ kind: 'open' });
    setHandle(link.steering.handle);
    setPair(...link.steering.pair);
    // The link is for the model, whatever is open in it.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [link, modelId]);
  return refusal?.link === link ? refusal?.problem : undefined;
}
