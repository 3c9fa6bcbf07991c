// Sums of the pairs' shares in a fixed order: the batch's statistics into the log, beta's gradient to its place. One workgroup.

struct Step {
  index: u32,
  rowBase: u32,
  slot: u32,
}
struct Shape {
  batch: u32,
  beta: u32,           // index of beta in the parameters
  betaGradient: u32,   // and of its gradient
}

@group(0) @binding(0) var<uniform> step: Step;
@group(1) @binding(0) var<uniform> shape: Shape;
@group(1) @binding(1) var<storage, read> shares: array<vec4f>;
@group(1) @binding(2) var<storage, read> parameters: array<f32>;
@group(1) @binding(3) var<storage, read_write> gradients: array<f32>;
@group(1) @binding(4) var<storage, read_write> log: array<vec4f>;   // loss, accuracy, entropy, beta

var<workgroup> sums: array<vec4f, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = vec4f();
  for (var b = lane; b < shape.batch; b += 64u) { sum += shares[b]; }
  sums[lane] = sum;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { sums[lane] += sums[lane + half]; }
  }
  if (lane == 0u) {
    let total = sums[0];
    log[step.slot] = vec4f(total.xyz / f32(shape.batch), parameters[shape.beta]);
    gradients[shape.betaGradient] = total.w;
  }
}
