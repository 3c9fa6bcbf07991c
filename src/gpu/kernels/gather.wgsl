// The gate's rows of a batch, from where they are kept (f32, or bf16 two to a word, widened exactly) to f32 [batch, d].
// Large sets lie in up to four pages of equally many rows, because one binding has a size limit.

struct Step {
  index: u32,
  rowBase: u32,
}
struct Shape {
  batch: u32,
  d: u32,
  rowsPerPage: u32,
}

override bf16: bool;

@group(0) @binding(0) var<uniform> step: Step;
@group(1) @binding(0) var<uniform> shape: Shape;
@group(1) @binding(1) var<storage, read> rows: array<u32>;
@group(1) @binding(2) var<storage, read> page0: array<u32>;
@group(1) @binding(3) var<storage, read> page1: array<u32>;
@group(1) @binding(4) var<storage, read> page2: array<u32>;
@group(1) @binding(5) var<storage, read> page3: array<u32>;
@group(1) @binding(6) var<storage, read_write> gathered: array<f32>;

fn wordOf(page: u32, word: u32) -> u32 {
  switch (page) {
    case 0u: { return page0[word]; }
    case 1u: { return page1[word]; }
    case 2u: { return page2[word]; }
    default: { return page3[word]; }
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let column = id.x;
  let row = id.y;
  if (column >= shape.d || row >= shape.batch) { return; }
  let source = rows[step.rowBase + row];
  let page = source / shape.rowsPerPage;
  let element = (source % shape.rowsPerPage) * shape.d + column;
  var bits: u32;
  if (bf16) {
    let word = wordOf(page, element / 2u);
    bits = select(word << 16u, word & 0xffff0000u, (element & 1u) == 1u);
  } else {
    bits = wordOf(page, element);
  }
  gathered[row * shape.d + column] = bitcast<f32>(bits);
}
