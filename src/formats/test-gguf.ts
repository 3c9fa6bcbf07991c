/** A small writer of GGUF files, from the specification, for tests. */

export type TestGgufValue =
  | { readonly text: string }
  | { readonly u32: number }
  | { readonly f32: number }
  | { readonly bool: boolean }
  | { readonly list: readonly number[] };

export interface TestGgufTensor {
  readonly name: string;
  /** Outermost first. */
  readonly shape: readonly number[];
  /** ggml's number. */
  readonly type: number;
  readonly data: Uint8Array;
  /** Instead of the place where its data are. */
  readonly offset?: bigint;
}

const ALIGNMENT = 32;

export function writeTestGguf(
  metadata: Readonly<Record<string, TestGgufValue>>,
  tensors: readonly TestGgufTensor[],
  { version = 3 }: { readonly version?: number } = {},
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const u32 = (value: number): number => parts.push(new Uint8Array(Uint32Array.of(value).buffer));
  const u64 = (value: bigint): number => parts.push(new Uint8Array(BigUint64Array.of(value).buffer));
  const text = (value: string): void => {
    const bytes = new TextEncoder().encode(value);
    u64(BigInt(bytes.length));
    parts.push(bytes);
  };
  const length = (): number => parts.reduce((sum, part) => sum + part.length, 0);
  const pad = (): void => {
    parts.push(new Uint8Array(-length() & (ALIGNMENT - 1)));
  };
  u32(0x46554747);
  u32(version);
  u64(BigInt(tensors.length));
  u64(BigInt(Object.keys(metadata).length));
  for (const [key, value] of Object.entries(metadata)) {
    text(key);
    if ('text' in value) {
      u32(8);
      text(value.text);
    } else if ('u32' in value) {
      u32(4);
      u32(value.u32);
    } else if ('f32' in value) {
      u32(6);
      parts.push(new Uint8Array(Float32Array.of(value.f32).buffer));
    } else if ('bool' in value) {
      u32(7);
      parts.push(Uint8Array.of(value.bool ? 1 : 0));
    } else {
      u32(9);
      u32(4);
      u64(BigInt(value.list.length));
      for (const element of value.list) u32(element);
    }
  }
  let offset = 0;
  for (const tensor of tensors) {
    text(tensor.name);
    u32(tensor.shape.length);
    for (const size of [...tensor.shape].reverse()) u64(BigInt(size));
    u32(tensor.type);
    u64(tensor.offset ?? BigInt(offset));
    offset = Math.ceil((offset + tensor.data.length) / ALIGNMENT) * ALIGNMENT;
  }
  pad();
  for (const { data } of tensors) {
    parts.push(data);
    pad();
  }
  const file = new Uint8Array(length());
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}
