/**
 * Reads the pickle of a PyTorch state dict without executing anything. A pickle is a program for a stack machine; this machine knows
 * a closed list of instructions, and the "functions" a pickle may call are markers that this file interprets itself. An instruction or
 * a name outside the lists ends the reading, by name.
 *
 * Source: CPython `Lib/pickletools.py` (opcodes), PyTorch `torch/serialization.py` and `torch/_utils.py` (`_rebuild_tensor_v2`,
 * `_rebuild_parameter`, persistent ids `('storage', type, key, device, elements)`).
 */
import { FormatError } from './errors.ts';

/** A block of numbers in the archive. */
export interface TorchStorage {
  readonly kind: 'storage';
  /** E.g. `FloatStorage`. */
  readonly type: string;
  /** Entry `data/{key}` of the archive. */
  readonly key: string;
  readonly elements: number;
}

/** A view of a storage. */
export interface TorchTensor {
  readonly kind: 'tensor';
  readonly storage: TorchStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** What a pickle may name; every other name is refused. */
const knownGlobals = new Set([
  'torch._utils _rebuild_tensor_v2',
  'torch._utils _rebuild_parameter',
  'collections OrderedDict',
  ...['Float', 'Double', 'Half', 'BFloat16', 'Long', 'Int', 'Short', 'Char', 'Byte', 'Bool'].map(
    (type) => `torch ${type}Storage`,
  ),
]);

export type PickleValue =
  | undefined
  | boolean
  | number
  | string
  | PickleDict
  | PickleList
  | { readonly kind: 'global'; readonly name: string }
  | TorchStorage
  | TorchTensor;
export interface PickleDict {
  readonly kind: 'dict';
  readonly entries: Map<PickleValue, PickleValue>;
}
export interface PickleList {
  readonly kind: 'list' | 'tuple';
  readonly items: PickleValue[];
}

const mark = Symbol('mark');
const largestStack = 100_000;

const opcodes: Readonly<Record<number, string>> = {
  0x80: 'PROTO',
  0x95: 'FRAME',
  0x94: 'MEMOIZE',
  0x2e: 'STOP',
  0x28: 'MARK',
  0x30: 'POP',
  0x4e: 'NONE',
  0x88: 'NEWTRUE',
  0x89: 'NEWFALSE',
  0x4b: 'BININT1',
  0x4d: 'BININT2',
  0x4a: 'BININT',
  0x8a: 'LONG1',
  0x47: 'BINFLOAT',
  0x58: 'BINUNICODE',
  0x8c: 'SHORT_BINUNICODE',
  0x7d: 'EMPTY_DICT',
  0x5d: 'EMPTY_LIST',
  0x29: 'EMPTY_TUPLE',
  0x85: 'TUPLE1',
  0x86: 'TUPLE2',
  0x87: 'TUPLE3',
  0x74: 'TUPLE',
  0x61: 'APPEND',
  0x65: 'APPENDS',
  0x73: 'SETITEM',
  0x75: 'SETITEMS',
  0x71: 'BINPUT',
  0x72: 'LONG_BINPUT',
  0x68: 'BINGET',
  0x6a: 'LONG_BINGET',
  0x63: 'GLOBAL',
  0x93: 'STACK_GLOBAL',
  0x51: 'BINPERSID',
  0x52: 'REDUCE',
  0x62: 'BUILD',
};

/** @throws FormatError naming the byte, and the instruction or name that is not known. */
export function readPickle(where: string, bytes: Uint8Array): PickleValue {
  return new PickleMachine(where, bytes).run();
}

class PickleMachine {
  private readonly where: string;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly stack: (PickleValue | typeof mark)[] = [];
  private readonly memo = new Map<number, PickleValue>();
  private at = 0;

  constructor(where: string, bytes: Uint8Array) {
    this.where = where;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  run(): PickleValue {
    for (;;) {
      const code = this.uint8();
      const name = opcodes[code];
      if (name === undefined)
        throw this.error(
          'unsupported',
          `instruction 0x${code.toString(16).padStart(2, '0')} is not one that a saved state dict needs`,
          'Nothing in the file was executed. Save the tensors alone: torch.save(model.state_dict(), …) or safetensors.',
        );
      if (name === 'STOP') return this.pop();
      this.execute(name);
      if (this.stack.length > largestStack) throw this.error('malformed', 'it nests too deeply');
    }
  }

  private execute(name: string): void {
    switch (name) {
      case 'PROTO': {
        const protocol = this.uint8();
        if (protocol > 5) throw this.error('unsupported', `protocol ${protocol} is not known`);
        return;
      }
      case 'FRAME':
        this.skip(8);
        return;
      case 'MARK':
        this.stack.push(mark);
        return;
      case 'POP':
        if (this.stack.pop() === undefined && this.stack.length === 0) return;
        return;
      case 'NONE':
        return this.push(undefined);
      case 'NEWTRUE':
        return this.push(true);
      case 'NEWFALSE':
        return this.push(false);
      case 'BININT1':
        return this.push(this.uint8());
      case 'BININT2':
        return this.push(this.view.getUint16(this.skip(2), true));
      case 'BININT':
        return this.push(this.view.getInt32(this.skip(4), true));
      case 'LONG1':
        return this.push(this.long());
      case 'BINFLOAT':
        return this.push(this.view.getFloat64(this.skip(8), false));
      case 'BINUNICODE':
        return this.push(this.text(this.view.getUint32(this.skip(4), true)));
      case 'SHORT_BINUNICODE':
        return this.push(this.text(this.uint8()));
      case 'EMPTY_DICT':
        return this.push({ kind: 'dict', entries: new Map() });
      case 'EMPTY_LIST':
        return this.push({ kind: 'list', items: [] });
      case 'EMPTY_TUPLE':
        return this.push({ kind: 'tuple', items: [] });
      case 'TUPLE1':
      case 'TUPLE2':
      case 'TUPLE3':
        return this.push({ kind: 'tuple', items: this.popMany(Number(name.at(-1))) });
      case 'TUPLE':
        return this.push({ kind: 'tuple', items: this.popToMark() });
      case 'APPEND':
        return this.append([this.pop()]);
      case 'APPENDS':
        return this.append(this.popToMark());
      case 'SETITEM':
        return this.setItems(this.popMany(2));
      case 'SETITEMS':
        return this.setItems(this.popToMark());
      case 'BINPUT':
        return void this.memo.set(this.uint8(), this.top());
      case 'LONG_BINPUT':
        return void this.memo.set(this.view.getUint32(this.skip(4), true), this.top());
      case 'MEMOIZE':
        return void this.memo.set(this.memo.size, this.top());
      case 'BINGET':
        return this.recall(this.uint8());
      case 'LONG_BINGET':
        return this.recall(this.view.getUint32(this.skip(4), true));
      case 'GLOBAL':
        return this.global(`${this.line()} ${this.line()}`);
      case 'STACK_GLOBAL': {
        const [module, attribute] = this.popMany(2);
        if (typeof module !== 'string' || typeof attribute !== 'string')
          throw this.error('malformed', 'a name in it is no text');
        return this.global(`${module} ${attribute}`);
      }
      case 'BINPERSID':
        return this.push(this.storage(this.pop()));
      case 'REDUCE': {
        const [callee, parameters] = this.popMany(2);
        return this.push(this.reduce(callee, parameters));
      }
      case 'BUILD':
        // Attributes of a state dict (`_metadata`: versions of modules) carry no numbers.
        this.pop();
        if (!isDict(this.top())) throw this.error('unsupported', 'it sets attributes of something that is no dict');
        return;
      default:
        throw this.error('unsupported', `${name} is not handled`);
    }
  }

  private global(name: string): void {
    if (!knownGlobals.has(name))
      throw this.error(
        'unsupported',
        `it asks for ${JSON.stringify(name.replace(' ', '.').slice(0, 120))}, which is not on the list of what a state dict needs`,
        'Nothing in the file was executed. Save the tensors alone: torch.save(model.state_dict(), …) or safetensors.',
      );
    this.push({ kind: 'global', name });
  }

  private reduce(callee: PickleValue, parameters: PickleValue): PickleValue {
    const name = typeof callee === 'object' && callee.kind === 'global' ? callee.name : undefined;
    const items = typeof parameters === 'object' && parameters.kind === 'tuple' ? parameters.items : undefined;
    if (name === undefined || items === undefined)
      throw this.error('malformed', 'it calls something that is no function');
    if (name === 'collections OrderedDict' && items.length === 0) return { kind: 'dict', entries: new Map() };
    if (name === 'torch._utils _rebuild_parameter' && isTensor(items[0])) return items[0];
    if (name === 'torch._utils _rebuild_tensor_v2') {
      const [storage, offset, shape, strides, , , metadata] = items;
      // A view that negates or conjugates without touching its storage: the numbers as they lie there are not the tensor's.
      if (isDict(metadata) && metadata.entries.size > 0)
        throw this.error(
          'unsupported',
          `it holds a tensor with ${[...metadata.entries.keys()].map(String).join(' and ')} set, a view whose numbers differ from those stored`,
          'Save tensor.clone() or tensor.resolve_neg() instead.',
        );
      const sizes = wholeNumbers(shape);
      const steps = wholeNumbers(strides);
      if (
        isStorage(storage) &&
        typeof offset === 'number' &&
        Number.isSafeInteger(offset) &&
        offset >= 0 &&
        sizes !== undefined &&
        steps?.length === sizes.length
      )
        return { kind: 'tensor', storage, offset, shape: sizes, strides: steps };
    }
    throw this.error('malformed', `${name.replace(' ', '.')} is called with something else than PyTorch writes`);
  }

  private storage(id: PickleValue): TorchStorage {
    const items = typeof id === 'object' && id.kind === 'tuple' ? id.items : [];
    const [label, type, key, , elements] = items;
    if (
      label === 'storage' &&
      typeof type === 'object' &&
      type.kind === 'global' &&
      /^torch \w+Storage$/.test(type.name) &&
      typeof key === 'string' &&
      typeof elements === 'number' &&
      Number.isSafeInteger(elements) &&
      elements >= 0
    )
      return { kind: 'storage', type: type.name.slice('torch '.length), key, elements };
    throw this.error('malformed', 'a persistent id is not that of a tensor’s storage');
  }

  private append(items: readonly PickleValue[]): void {
    const list = this.top();
    if (typeof list !== 'object' || list.kind !== 'list')
      throw this.error('malformed', 'it appends to something that is no list');
    for (const item of items) list.items.push(item);
  }

  private setItems(items: readonly PickleValue[]): void {
    const dict = this.top();
    if (!isDict(dict) || items.length % 2 !== 0)
      throw this.error('malformed', 'it sets items of something that is no dict');
    for (let i = 0; i < items.length; i += 2) dict.entries.set(items[i], items[i + 1]);
  }

  private recall(index: number): void {
    if (!this.memo.has(index)) throw this.error('malformed', `it recalls number ${index}, which it never stored`);
    this.push(this.memo.get(index));
  }

  private push(value: PickleValue): void {
    this.stack.push(value);
  }

  private pop(): PickleValue {
    const value = this.top();
    this.stack.pop();
    return value;
  }

  private top(): PickleValue {
    const value = this.stack.at(-1);
    if (this.stack.length === 0 || value === mark) throw this.error('malformed', 'it takes from an empty stack');
    return value;
  }

  private popMany(count: number): PickleValue[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  private popToMark(): PickleValue[] {
    const index = this.stack.lastIndexOf(mark);
    if (index < 0) throw this.error('malformed', 'it ends a group that it never began');
    const items = this.stack.splice(index).slice(1);
    return items.filter((item) => item !== mark);
  }

  private uint8(): number {
    return this.view.getUint8(this.skip(1));
  }

  /** Where the next `length` bytes begin; moves behind them. */
  private skip(length: number): number {
    const begin = this.at;
    if (begin + length > this.bytes.length) throw this.error('truncated', 'it ends in the middle of an instruction');
    this.at += length;
    return begin;
  }

  private long(): number {
    const length = this.uint8();
    const begin = this.skip(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[begin + i]!);
    if (length > 0 && (this.bytes[begin + length - 1]! & 0x80) !== 0) value -= 1n << BigInt(8 * length);
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw this.error('malformed', 'it holds a whole number beyond 2^53');
    return number;
  }

  private text(length: number): string {
    const begin = this.skip(length);
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(this.bytes.subarray(begin, begin + length));
    } catch {
      throw this.error('malformed', 'it holds a text that is not UTF-8');
    }
  }

  /** A name up to the next line feed. */
  private line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0 || end - this.at > 256) throw this.error('malformed', 'a name in it has no end');
    const text = this.text(end - this.at);
    this.at = end + 1;
    return text;
  }

  private error(code: 'malformed' | 'unsupported' | 'truncated', what: string, remedy?: string): FormatError {
    return new FormatError(code, `${this.where}, byte ${this.at}`, `${what}.`, remedy);
  }
}

export function isDict(value: PickleValue): value is PickleDict {
  return typeof value === 'object' && value.kind === 'dict';
}

export function isTensor(value: PickleValue): value is TorchTensor {
  return typeof value === 'object' && value.kind === 'tensor';
}

function isStorage(value: PickleValue): value is TorchStorage {
  return typeof value === 'object' && value.kind === 'storage';
}

function wholeNumbers(value: PickleValue): number[] | undefined {
  if (typeof value !== 'object' || value.kind !== 'tuple') return undefined;
  const numbers = value.items.filter((item): item is number => Number.isSafeInteger(item) && Number(item) >= 0);
  return numbers.length === value.items.length ? numbers : undefined;
}
