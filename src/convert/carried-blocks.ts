/** Weights that come in blocks of small integers already: carried over as they are, since rounding again would add an error. */

/** Rows of a matrix in blocks along the inputs: value = scale · q + minimum. */
export interface CarriedBlocks {
  readonly bits: 4 | 8;
  readonly blockSize: number;
  /** [values]. With minima 0 … 2^bits − 1, without −2^(bits−1) … 2^(bits−1) − 1. */
  readonly quants: Int8Array<ArrayBuffer>;
  /** f16 bits, [blocks]. */
  readonly scales: Uint16Array<ArrayBuffer>;
  /** f16 bits, [blocks]. */
  readonly minima?: Uint16Array<ArrayBuffer>;
}

/** A checkpoint's own blocks, by tensor name. */
export interface BlockSource {
  /** What the source calls the form of this tensor, e.g. `Q4_1`; `undefined` where its values are plain numbers. */
  formOf(tensor: string): { readonly name: string; readonly hasMinima: boolean } | undefined;
  /** Blocks of rows `[first, first + count)`; only for tensors with a form. */
  readRows(tensor: string, first: number, count: number, signal?: AbortSignal): Promise<CarriedBlocks>;
}

const CARRIED = ' blocks carried over';

/** How the report calls a tensor whose blocks are the source's own, e.g. `Q4_1 blocks carried over`. */
export function carriedForm(name: string): string {
  return `${name}${CARRIED}`;
}

export function isCarriedForm(form: string): boolean {
  return form.endsWith(CARRIED);
}
