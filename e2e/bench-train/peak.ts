/** The device's fused multiply-adds a second in f32, measured in place: eight independent chains an invocation, in registers. */

const iterations = 256;
const code = /* wgsl */ `
@group(0) @binding(0) var<storage, read_write> sink: array<vec4f>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let x = vec4f(1.0 + f32(id.x & 7u) * 1e-7);
  let y = vec4f(1e-9);
  var a = vec4f(f32(id.x)); var b = a + 1.0; var c = a + 2.0; var d = a + 3.0;
  var e = a + 4.0; var f = a + 5.0; var g = a + 6.0; var h = a + 7.0;
  for (var i = 0u; i < ${iterations}u; i++) {
    a = fma(a, x, y); b = fma(b, x, y); c = fma(c, x, y); d = fma(d, x, y);
    e = fma(e, x, y); f = fma(f, x, y); g = fma(g, x, y); h = fma(h, x, y);
  }
  // Stored, so that nothing of it can be left out.
  sink[id.x & 1023u] = a + b + c + d + e + f + g + h;
}`;

/** @returns floating-point operations a second, two a fused multiply-add. */
export async function measurePeak(device: GPUDevice, seconds: number): Promise<number> {
  const pipeline = await device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code }) },
  });
  const sink = device.createBuffer({ size: 1024 * 16, usage: GPUBufferUsage.STORAGE });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer: sink } }],
  });
  const dispatch = async (workgroups: number): Promise<number> => {
    const startedAt = performance.now();
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(workgroups);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    return (performance.now() - startedAt) / 1000;
  };
  await dispatch(16);
  let workgroups = 64;
  let took = await dispatch(workgroups);
  while (took < seconds / 4 && workgroups < 32_768) {
    workgroups *= 2;
    took = await dispatch(workgroups);
  }
  for (let i = 0; i < 2; i++) took = Math.min(took, await dispatch(workgroups));
  sink.destroy();
  return (workgroups * 64 * iterations * 8 * 4 * 2) / took;
}
