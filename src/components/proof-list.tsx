/** How every provider did on the package's canaries, in the order they were tried. */
import type { ProviderProof } from '@/engine/api/messages.ts';
import { proofSentence, providerLabel } from './provider-words.ts';
import classes from './proof-list.module.css';

export function ProofList({ proofs }: { readonly proofs: readonly ProviderProof[] }) {
  return (
    <ul className={`${classes.proofs} numeric small`} aria-label="Proofs of the providers">
      {proofs.map((proof) => (
        <li key={proof.provider} className={classes[proof.outcome]}>
          <p>
            <strong>{providerLabel(proof.provider)}</strong>
            {proof.adapter === undefined ? '' : ` on ${proof.adapter}`}
          </p>
          <p className="muted">{proofSentence(proof)}</p>
        </li>
      ))}
    </ul>
  );
}
