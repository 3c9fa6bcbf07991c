/** What the manifest says about how the weights were rounded. */
import type { Manifest } from '@/formats/manifest.ts';
import { isCarriedForm } from './carried-blocks.ts';
import type { ConvertOptions, TensorReport } from './conversion.ts';
import { BLOCK_SIZE } from './linear-encoder.ts';

const FORMS: Partial<Record<ConvertOptions['dtype'], string>> = {
  q4: 'linear layers in 4 bits, value = minimum + scale · q, f16 minimum and scale a block; embedding in 8 bits, value = scale · q',
  q8: 'linear layers and embedding in 8 bits, value = scale · q, f16 scale a block',
};

/** The manifest's words and figures about rounding; nothing for packages that do not round to integers. */
export function quantisationSummary(
  { dtype, mixed }: ConvertOptions,
  reports: readonly TensorReport[],
): Pick<Manifest, 'quantisation'> {
  const plain = FORMS[dtype];
  if (plain === undefined) return {};
  const form = dtype === 'q4' && mixed === true ? `${plain}; v_proj in 8 bits, value = scale · q` : plain;
  const carried = [...new Set(reports.map((report) => report.form))].filter(isCarriedForm);
  const errors = reports.map(({ relativeError }) => relativeError);
  return {
    quantisation: {
      form: carried.length === 0 ? form : `${form}; ${carried.join(' and ')} without rounding again`,
      blockSize: BLOCK_SIZE,
      worstRelativeError: Math.max(...errors),
      meanRelativeError: errors.reduce((sum, error) => sum + error, 0) / errors.length,
    },
  };
}
