// Eq 5 (arXiv 2406.12845) for one pair an invocation: softmax over the active objectives, -log sigmoid(beta * margin), its gradient by
// the logits, and the pair's share of the statistics and of beta's gradient.

struct Step {
  index: u32,
  rowBase: u32,
}
struct Shape {
  batch: u32,
  k: u32,
  beta: u32,             // index of beta in the parameters
  temperature: f32,
  logitScale: f32,
}

@group(0) @binding(0) var<uniform> step: Step;
@group(1) @binding(0) var<uniform> shape: Shape;
@group(1) @binding(1) var<storage, read> rows: array<u32>;
@group(1) @binding(2) var<storage, read> logits: array<f32>;
@group(1) @binding(3) var<storage, read> differences: array<f32>;   // [n, k]
@group(1) @binding(4) var<storage, read> weighed: array<f32>;       // [k], 1 or 0
@group(1) @binding(5) var<storage, read> parameters: array<f32>;
@group(1) @binding(6) var<storage, read_write> byLogits: array<f32>;
@group(1) @binding(7) var<storage, read_write> shares: array<vec4f>; // loss, right, entropy, by beta

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let b = id.x;
  if (b >= shape.batch) { return; }
  let at = b * shape.k;
  let row = rows[step.rowBase + b] * shape.k;
  let tau = shape.temperature;
  var largest = -3.4e38;
  for (var j = 0u; j < shape.k; j++) {
    if (weighed[j] > 0.0) { largest = max(largest, logits[at + j]); }
  }
  var sum = 0.0;
  var weighted = 0.0;
  var mean = 0.0;
  for (var j = 0u; j < shape.k; j++) {
    let shifted = (logits[at + j] - largest) / tau;
    let value = select(0.0, exp(shifted), weighed[j] > 0.0);
    byLogits[at + j] = value;
    sum += value;
    weighted += value * select(0.0, shifted, weighed[j] > 0.0);
    mean += value * differences[row + j];
  }
  mean /= sum;
  let margin = shape.logitScale * mean;
  let beta = parameters[shape.beta];
  let z = beta * margin;
  let e = exp(-abs(z));
  // log(1 + e) loses small e; e - e²/2 does not, and is exact to 1e-9 below 1e-3.
  let tail = select(log(1.0 + e), e - 0.5 * e * e, e < 1e-3);
  let loss = max(-z, 0.0) + tail;
  let slope = -select(1.0, e, z > 0.0) / (1.0 + e) / f32(shape.batch);
  let byLogit = slope * beta * shape.logitScale / tau;
  for (var j = 0u; j < shape.k; j++) {
    byLogits[at + j] = byLogit * (byLogits[at + j] / sum) * (differences[row + j] - mean);
  }
  shares[b] = vec4f(loss, select(0.0, 1.0, margin > 0.0), log(sum) - weighted / sum, slope * margin);
}
