// AdamW (Loshchilov and Hutter 2019, as in PyTorch: decay first, then the bias-corrected step) over all parameters at once. A weight's
// gradient is the sum of its slices (gemm.wgsl TN). beta, the last parameter, is not decayed.

struct Step {
  index: u32,
  rowBase: u32,
  slot: u32,
  threshold: u32,
  seedHash: u32,
  keepScale: f32,
  stepSize: f32,       // rate / (1 - decay1^t)
  correction2: f32,    // sqrt(1 - decay2^t)
  kept: f32,           // 1 - rate * weight decay
}
struct Layer {
  end: u32,            // first parameter behind the layer
  slices: u32,
  sliceStride: u32,
  gradient: u32,       // of the layer's first parameter, minus that parameter's index (mod 2^32)
}
struct Shape {
  count: u32,
  layers: u32,
  rowLength: u32,      // invocations in a row of workgroups
  decay1: f32,
  decay2: f32,
  gain1: f32,          // 1 - decay1, from f64
  gain2: f32,
  epsilon: f32,
}

@group(0) @binding(0) var<uniform> step: Step;
@group(1) @binding(0) var<uniform> shape: Shape;
@group(1) @binding(1) var<storage, read> layers: array<Layer>;
@group(1) @binding(2) var<storage, read> gradients: array<f32>;
@group(1) @binding(3) var<storage, read_write> parameters: array<f32>;
@group(1) @binding(4) var<storage, read_write> firstMoments: array<f32>;
@group(1) @binding(5) var<storage, read_write> secondMoments: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.y * shape.rowLength + id.x;
  if (i >= shape.count) { return; }
  var l = 0u;
  while (l < shape.layers && i >= layers[l].end) { l++; }
  var gradient = 0.0;
  let layer = layers[l];
  for (var slice = 0u; slice < layer.slices; slice++) {
    gradient += gradients[layer.gradient + i + slice * layer.sliceStride];
  }
  let first = shape.decay1 * firstMoments[i] + shape.gain1 * gradient;
  let second = shape.decay2 * secondMoments[i] + shape.gain2 * gradient * gradient;
  firstMoments[i] = first;
  secondMoments[i] = second;
  let kept = select(step.kept, 1.0, i == shape.count - 1u);
  parameters[i] = kept * parameters[i] - step.stepSize * first / (sqrt(second) / step.correction2 + shape.epsilon);
}
