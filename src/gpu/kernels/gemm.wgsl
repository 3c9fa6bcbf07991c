// Tiled matrix product, the three forms of a dense layer's forward and backward pass:
//
//   NT  C[m,n] = A[m,k] B[n,k]ᵀ   forward            (epilogue: + bias, or + bias, ReLU, dropout)
//   NN  C[m,n] = A[m,k] B[k,n]    gradient of inputs (epilogue: mask of ReLU and dropout)
//   TN  C[m,n] = A[k,m]ᵀ B[k,n]   gradient of weights, in slices of k (each slice a C of its own), and the column sums of A
//
// A workgroup of 64 makes a tile of 64 × 64; an invocation 8 × 8 of it in registers, as 16 named vec4: an indexed private array would
// leave the registers on some drivers. Tiles are stored k-major as vec4 and written whole, because two invocations may not write
// components of one vector. Shapes may divide nothing: loads outside are zero, stores outside are left out.

struct Step {
  index: u32,        // 0-based
  rowBase: u32,      // of this step in the list of rows
  slot: u32,         // of this step in the log
  threshold: u32,    // of dropout; 0: nothing is dropped
  seedHash: u32,
  keepScale: f32,    // 1 / (1 - dropout), 1 where nothing is dropped
  stepSize: f32,
  correction2: f32,
  kept: f32,
}

struct Shape {
  m: u32,
  n: u32,
  k: u32,
  kPerSlice: u32,
  left: u32,         // offsets of the matrices in their buffers, in elements
  right: u32,
  extra: u32,        // of the bias (NT) or the layer's input (NN)
  product: u32,
  bias: u32,         // of the bias' gradient (TN)
  sliceStride: u32,  // from one slice's product to the next (TN)
  layer: u32,
}

override leftTransposed: bool;    // TN
override rightTransposed: bool;   // NT
override epilogue: u32;           // 0 none, 1 bias, 2 bias + ReLU + dropout, 3 mask, 4 bias' gradient

@group(0) @binding(0) var<uniform> step: Step;
@group(1) @binding(0) var<uniform> shape: Shape;
@group(1) @binding(1) var<storage, read> left: array<f32>;
@group(1) @binding(2) var<storage, read> right: array<f32>;
@group(1) @binding(3) var<storage, read> extra: array<f32>;
@group(1) @binding(4) var<storage, read_write> product: array<f32>;

const depth = 16u;     // of a tile in k
const groups = 16u;    // vec4 along m or n
const stride = 17u;    // one more, against bank conflicts

var<workgroup> leftTile: array<vec4f, 272>;
var<workgroup> rightTile: array<vec4f, 272>;

fn hash32(value: u32) -> u32 {
  var x = value;
  x = (x ^ (x >> 16u)) * 0x7feb352du;
  x = (x ^ (x >> 15u)) * 0x846ca68bu;
  return x ^ (x >> 16u);
}

fn leftAt(row: u32, t: u32, end: u32) -> f32 {
  if (row >= shape.m || t >= end) { return 0.0; }
  if (leftTransposed) { return left[shape.left + t * shape.m + row]; }
  return left[shape.left + row * shape.k + t];
}

fn rightAt(column: u32, t: u32, end: u32) -> f32 {
  if (column >= shape.n || t >= end) { return 0.0; }
  if (rightTransposed) { return right[shape.right + column * shape.k + t]; }
  return right[shape.right + t * shape.n + column];
}

// A matrix that is contiguous along k gives neighbours in k to neighbouring invocations; one contiguous along m or n, those.
fn placeOf(index: u32, alongK: bool) -> vec2u {
  if (alongK) { return vec2u(index % depth, index / depth); }
  return vec2u(index / groups, index % groups);
}

fn store(row: u32, column: u32, slice: u32, value: f32) {
  if (row >= shape.m || column >= shape.n) { return; }
  let index = row * shape.n + column;
  var result = value;
  if (epilogue == 1u || epilogue == 2u) { result += extra[shape.extra + column]; }
  if (epilogue == 2u) {
    let dropped = step.threshold > 0u
      && hash32(hash32(index + 0x9e3779b9u) ^ hash32(hash32(step.seedHash ^ step.index) ^ shape.layer)) < step.threshold;
    // Written so that NaN passes and a diverged run shows in its loss.
    result = select(result * step.keepScale, 0.0, dropped || result <= 0.0);
  }
  if (epilogue == 3u) { result = select(0.0, result * step.keepScale, extra[shape.extra + index] > 0.0); }
  product[shape.product + slice * shape.sliceStride + index] = result;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) tile: vec3u, @builtin(local_invocation_index) lane: u32) {
  let tx = lane % 8u;
  let ty = lane / 8u;
  let firstRow = tile.y * 64u;
  let firstColumn = tile.x * 64u;
  let begin = tile.z * shape.kPerSlice;
  let end = min(shape.k, begin + shape.kPerSlice);

  var c00 = vec4f(); var c01 = vec4f(); var c10 = vec4f(); var c11 = vec4f();
  var c20 = vec4f(); var c21 = vec4f(); var c30 = vec4f(); var c31 = vec4f();
  var c40 = vec4f(); var c41 = vec4f(); var c50 = vec4f(); var c51 = vec4f();
  var c60 = vec4f(); var c61 = vec4f(); var c70 = vec4f(); var c71 = vec4f();
  var sum0 = vec4f(); var sum1 = vec4f();

  for (var first = begin; first < end; first += depth) {
    for (var i = 0u; i < 4u; i++) {
      let a = placeOf(lane + 64u * i, !leftTransposed);
      let row = firstRow + 4u * a.y;
      let ta = first + a.x;
      leftTile[a.x * stride + a.y] =
        vec4f(leftAt(row, ta, end), leftAt(row + 1u, ta, end), leftAt(row + 2u, ta, end), leftAt(row + 3u, ta, end));
      let b = placeOf(lane + 64u * i, rightTransposed);
      let column = firstColumn + 4u * b.y;
      let tb = first + b.x;
      rightTile[b.x * stride + b.y] =
        vec4f(rightAt(column, tb, end), rightAt(column + 1u, tb, end), rightAt(column + 2u, tb, end), rightAt(column + 3u, tb, end));
    }
    workgroupBarrier();
    for (var t = 0u; t < depth; t++) {
      let a0 = leftTile[t * stride + ty];
      let a1 = leftTile[t * stride + ty + 8u];
      let b0 = rightTile[t * stride + tx];
      let b1 = rightTile[t * stride + tx + 8u];
      c00 = fma(vec4f(a0.x), b0, c00); c01 = fma(vec4f(a0.x), b1, c01);
      c10 = fma(vec4f(a0.y), b0, c10); c11 = fma(vec4f(a0.y), b1, c11);
      c20 = fma(vec4f(a0.z), b0, c20); c21 = fma(vec4f(a0.z), b1, c21);
      c30 = fma(vec4f(a0.w), b0, c30); c31 = fma(vec4f(a0.w), b1, c31);
      c40 = fma(vec4f(a1.x), b0, c40); c41 = fma(vec4f(a1.x), b1, c41);
      c50 = fma(vec4f(a1.y), b0, c50); c51 = fma(vec4f(a1.y), b1, c51);
      c60 = fma(vec4f(a1.z), b0, c60); c61 = fma(vec4f(a1.z), b1, c61);
      c70 = fma(vec4f(a1.w), b0, c70); c71 = fma(vec4f(a1.w), b1, c71);
      if (epilogue == 4u) { sum0 += a0; sum1 += a1; }
    }
    workgroupBarrier();
  }

  var lower = array<vec4f, 8>(c00, c10, c20, c30, c40, c50, c60, c70);
  var upper = array<vec4f, 8>(c01, c11, c21, c31, c41, c51, c61, c71);
  for (var i = 0u; i < 8u; i++) {
    let row = firstRow + 4u * ty + (i & 3u) + 32u * (i >> 2u);
    let column = firstColumn + 4u * tx;
    for (var j = 0u; j < 4u; j++) {
      store(row, column + j, tile.z, lower[i][j]);
      store(row, column + 32u + j, tile.z, upper[i][j]);
    }
  }
  // Rows of A were read whole by every tile of a row of tiles: the first one writes their sums.
  if (epilogue == 4u && tile.x == 0u && tx == 0u) {
    for (var j = 0u; j < 4u; j++) {
      let row = firstRow + 4u * ty + j;
      if (row < shape.m) { product[shape.bias + tile.z * shape.sliceStride + row] = sum0[j]; }
      if (row + 32u < shape.m) { product[shape.bias + tile.z * shape.sliceStride + row + 32u] = sum1[j]; }
    }
  }
}
