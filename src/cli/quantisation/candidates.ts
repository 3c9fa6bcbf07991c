/** What is compared: block size, with and without minima, ways of finding the parameters, 8 bits for some of the matrices. */
import type { LinearName } from '@/convert/graph/decoder-stage.ts';
import type { Candidate } from './measure.ts';
import {
  affine,
  eightBits,
  extremes,
  halfQuadratic,
  presentAffine,
  searched,
  symmetric,
  symmetricSearch,
  type WeightForm,
} from './weight-forms.ts';

const REFERENCE: Candidate = { name: 'f32', formOf: () => undefined };

const present16 = presentAffine(16);
const present32 = presentAffine(32);
const present64 = presentAffine(64);
const present128 = presentAffine(128);
const nearest = affine('nearest', 32, (block) => extremes(block));
const eight = eightBits(32);

function uniform(form: WeightForm): Candidate {
  return { name: form.name, formOf: () => form };
}

/** `base`, and 8 bits where `isSensitive` says so. */
function mixed(words: string, base: WeightForm, isSensitive: (layer: number, name: LinearName) => boolean): Candidate {
  return {
    name: `${base.name}; 8 bits: ${words}`,
    formOf: (layer, name) => (isSensitive(layer, name) ? eight : base),
  };
}

/** The default where `isRounded` says so and f32 elsewhere: what these matrices alone do to scores. */
function alone(words: string, isRounded: (layer: number, name: LinearName) => boolean): Candidate {
  return {
    name: `only ${words} in ${present32.name}`,
    formOf: (layer, name) => (isRounded(layer, name) ? present32 : undefined),
  };
}

function kinds(...names: readonly LinearName[]) {
  return (_: number, name: LinearName): boolean => names.includes(name);
}

/** Every candidate; the first is the reference. @param layers of the backbone. */
export function allCandidates(layers: number): readonly Candidate[] {
  const isEdge = (layer: number): boolean => layer < 2 || layer >= layers - 2;
  return [
    REFERENCE,
    uniform(present32),
    uniform(nearest),
    uniform(affine('search', 32, searched)),
    uniform(affine('HQQ', 32, halfQuadratic)),
    uniform(present16),
    uniform(present64),
    uniform(present128),
    uniform(symmetric('search', 16, symmetricSearch)),
    uniform(symmetric('search', 32, symmetricSearch)),
    uniform(eight),
    alone('q_proj and k_proj', kinds('self_attn.q_proj', 'self_attn.k_proj')),
    alone('v_proj', kinds('self_attn.v_proj')),
    alone('o_proj', kinds('self_attn.o_proj')),
    alone('gate_proj and up_proj', kinds('mlp.gate_proj', 'mlp.up_proj')),
    alone('down_proj', kinds('mlp.down_proj')),
    mixed('v_proj', present32, kinds('self_attn.v_proj')),
    mixed('down_proj', present32, kinds('mlp.down_proj')),
    mixed('first and last two layers', present32, isEdge),
  ];
}
