/**
 * Where everything of a training run lies on the device, and how the products are cut: pure arithmetic, no GPU.
 *
 * Gradients of layer l are `slices` copies of the layer's parameters side by side (gemm.wgsl TN sums k in slices, adamw.wgsl adds them up),
 * layers behind one another, β's gradient last.
 */
import { type GateLayout, type LayerSlot } from '@/core/gate-network.ts';

export const tileSize = 64;
/** Workgroups that keep a large card busy; a product with fewer tiles is cut along k. */
const wantedWorkgroups = 256;
/** A slice is at least this long: shorter ones cost more in memory traffic than they bring. */
const shortestSlice = 128;
const mostSlices = 8;

export interface LayerPlan {
  readonly slot: LayerSlot;
  readonly slices: number;
  /** Rows of the batch a slice covers. */
  readonly rowsPerSlice: number;
  /** Parameters of the layer: one slice's length. */
  readonly sliceStride: number;
  /** Offset of the first slice in the gradients. */
  readonly gradient: number;
}

export interface GatePlan {
  readonly layers: readonly LayerPlan[];
  /** Index of β's gradient, the last. */
  readonly betaGradient: number;
  /** Numbers in the gradients' buffer. */
  readonly gradientLength: number;
  /** Kernels of one step, gathering included. */
  readonly dispatches: number;
}

export function planGate(layout: GateLayout, batch: number): GatePlan {
  let offset = 0;
  const layers = layout.layers.map((slot): LayerPlan => {
    const tiles = Math.ceil(slot.inputSize / tileSize) * Math.ceil(slot.outputSize / tileSize);
    const wanted = Math.min(mostSlices, Math.ceil(wantedWorkgroups / tiles), Math.ceil(batch / shortestSlice));
    // Whole depths of a tile, so that no slice ends inside one.
    const rowsPerSlice = 16 * Math.ceil(batch / Math.max(1, wanted) / 16);
    const slices = Math.ceil(batch / rowsPerSlice);
    const sliceStride = (slot.inputSize + 1) * slot.outputSize;
    const gradient = offset;
    offset += slices * sliceStride;
    return { slot, slices, rowsPerSlice, sliceStride, gradient };
  });
  const count = layers.length;
  return {
    layers,
    betaGradient: offset,
    gradientLength: offset + 1,
    // gather, forward, loss, statistics, gradients of weights, gradients of inputs, AdamW
    dispatches: 1 + count + 2 + count + (count - 1) + 1,
  };
}

/** How rows of `rowBytes` are spread over pages of at most `limit` bytes. `undefined`: more than `most` pages. */
export function planPages(
  rows: number,
  rowBytes: number,
  limit: number,
  most = 4,
): { readonly rowsPerPage: number; readonly pages: number } | undefined {
  // Even, so that every page of 16-bit rows ends on a whole word.
  const fitting = Math.floor(limit / rowBytes / 2) * 2;
  const rowsPerPage = Math.max(2, Math.min(rows + (rows % 2), fitting));
  const pages = Math.ceil(rows / rowsPerPage);
  return fitting < 2 || pages > most ? undefined : { rowsPerPage, pages };
}
