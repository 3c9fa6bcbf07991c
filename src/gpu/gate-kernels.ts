/** The compiled kernels of a training step. Compiled once a device, for any shape: shapes are uniforms. */
import adamwSource from './kernels/adamw.wgsl?raw';
import gatherSource from './kernels/gather.wgsl?raw';
import gemmSource from './kernels/gemm.wgsl?raw';
import lossSource from './kernels/loss.wgsl?raw';
import statisticsSource from './kernels/statistics.wgsl?raw';

/** The forms of gemm.wgsl with what they end in. */
export const gemmForms = {
  /** A Bᵀ. */
  nt: { leftTransposed: 0, rightTransposed: 1, epilogue: 0 },
  /** A Bᵀ + bias. */
  forwardLast: { leftTransposed: 0, rightTransposed: 1, epilogue: 1 },
  /** Dropout(ReLU(A Bᵀ + bias)). */
  forward: { leftTransposed: 0, rightTransposed: 1, epilogue: 2 },
  /** A B, masked by where the layer's input is positive. */
  inputGradient: { leftTransposed: 0, rightTransposed: 0, epilogue: 3 },
  /** Aᵀ B in slices, and the column sums of A. */
  weightGradient: { leftTransposed: 1, rightTransposed: 0, epilogue: 4 },
} as const;
export type GemmForm = keyof typeof gemmForms;

export interface Kernel {
  readonly pipeline: GPUComputePipeline;
  /** Group 1. */
  readonly layout: GPUBindGroupLayout;
}

export interface GateKernels {
  /** Layout of group 0: the step's uniform, at a dynamic offset. */
  readonly stepLayout: GPUBindGroupLayout;
  readonly gemm: Readonly<Record<GemmForm, Kernel>>;
  readonly gather: Kernel;
  readonly loss: Kernel;
  readonly statistics: Kernel;
  readonly adamw: Kernel;
}

/** @throws Error with the compiler's words where a kernel does not compile: our mistake, or a driver's. */
export async function compileGateKernels(device: GPUDevice, features: 'bf16' | 'f32'): Promise<GateKernels> {
  const stepLayout = device.createBindGroupLayout({
    entries: [{ binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: 'uniform', hasDynamicOffset: true } }],
  });
  /** @param access of bindings 1, 2, …: r(ead) or w(rite). */
  const compile = async (
    label: string,
    code: string,
    access: string,
    constants?: Readonly<Record<string, number>>,
  ): Promise<Kernel> => {
    const layout = device.createBindGroupLayout({
      label,
      entries: [
        { binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: 'uniform' } },
        ...Array.from(access, (kind, i): GPUBindGroupLayoutEntry => {
          const type = kind === 'r' ? 'read-only-storage' : 'storage';
          return { binding: i + 1, visibility: GPUShaderStage.COMPUTE, buffer: { type } };
        }),
      ],
    });
    const pipeline = await device.createComputePipelineAsync({
      label,
      layout: device.createPipelineLayout({ bindGroupLayouts: [stepLayout, layout] }),
      compute: {
        module: device.createShaderModule({ label, code }),
        entryPoint: 'main',
        ...(constants === undefined ? {} : { constants: { ...constants } }),
      },
    });
    return { pipeline, layout };
  };
  const form = (name: GemmForm) => compile(`gemm ${name}`, gemmSource, 'rrrw', gemmForms[name]);
  const [nt, forwardLast, forward, inputGradient, weightGradient, gather, loss, statistics, adamw] = await Promise.all([
    form('nt'),
    form('forwardLast'),
    form('forward'),
    form('inputGradient'),
    form('weightGradient'),
    compile('gather', gatherSource, 'rrrrrw', { bf16: features === 'bf16' ? 1 : 0 }),
    compile('loss', lossSource, 'rrrrrww'),
    compile('statistics', statisticsSource, 'rrww'),
    compile('adamw', adamwSource, 'rrwww'),
  ]);
  return {
    stepLayout,
    gemm: { nt, forwardLast, forward, inputGradient, weightGradient },
    gather,
    loss,
    statistics,
    adamw,
  };
}
