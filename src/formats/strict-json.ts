/**
 * A JSON parser that keeps what `JSON.parse` throws away and file formats care about: duplicate keys are an error, integers
 * are told apart from decimals (`2` is a number, `2.0` a `JsonDecimal`), integers beyond 2^53 stay exact as bigint, and
 * nesting is bounded. It accepts what serde_json accepts, so that headers are judged as the Rust reference reader does.
 */

/** A number written with a fraction, an exponent or a minus sign before zero. */
export class JsonDecimal {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export type StrictJson =
  | undefined
  | boolean
  | number
  | bigint
  | JsonDecimal
  | string
  | readonly StrictJson[]
  | StrictJsonObject;
/** Keys in file order. A Map, so that a key named `__proto__` is only a key. */
export type StrictJsonObject = ReadonlyMap<string, StrictJson>;

/** What was wrong and where (character offset in the text). */
export class StrictJsonError extends Error {
  override readonly name = 'StrictJsonError';
  readonly offset: number;
  constructor(what: string, offset: number) {
    super(`${what} at character ${offset}`);
    this.offset = offset;
  }
}

/** serde_json's recursion limit. */
const MAX_DEPTH = 128;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** Parses one JSON text; `null` becomes `undefined`. @throws StrictJsonError */
export function parseStrictJson(text: string): StrictJson {
  const parser = new Parser(text);
  const value = parser.value(0);
  parser.end();
  return value;
}

class Parser {
  private at = 0;
  private readonly text: string;
  constructor(text: string) {
    this.text = text;
  }

  end(): void {
    this.space();
    if (this.at < this.text.length) this.fail('unexpected text after the JSON value');
  }

  value(depth: number): StrictJson {
    if (depth > MAX_DEPTH) this.fail(`nested deeper than ${MAX_DEPTH} levels`);
    this.space();
    const c = this.text[this.at];
    if (c === '{') return this.object(depth);
    if (c === '[') return this.array(depth);
    if (c === '"') return this.string();
    if (c === 't') return this.word('true', true);
    if (c === 'f') return this.word('false', false);
    if (c === 'n') return this.word('null', undefined);
    if (c !== undefined && (c === '-' || (c >= '0' && c <= '9'))) return this.number();
    return this.fail(c === undefined ? 'the text ends where a value is expected' : 'a value is expected');
  }

  private object(depth: number): StrictJsonObject {
    const entries = new Map<string, StrictJson>();
    this.at += 1;
    this.space();
    if (this.text[this.at] === '}') {
      this.at += 1;
      return entries;
    }
    for (;;) {
      this.space();
      if (this.text[this.at] !== '"') this.fail('a key in double quotes is expected');
      const keyOffset = this.at;
      const key = this.string();
      if (entries.has(key)) throw new StrictJsonError(`key ${JSON.stringify(key)} occurs twice`, keyOffset);
      this.space();
      if (this.text[this.at] !== ':') this.fail('":" is expected');
      this.at += 1;
      entries.set(key, this.value(depth + 1));
      if (this.next('}')) return entries;
    }
  }

  private array(depth: number): readonly StrictJson[] {
    const items: StrictJson[] = [];
    this.at += 1;
    this.space();
    if (this.text[this.at] === ']') {
      this.at += 1;
      return items;
    }
    for (;;) {
      items.push(this.value(depth + 1));
      if (this.next(']')) return items;
    }
  }

  /** Steps over `,` (false) or the closing bracket (true). */
  private next(close: string): boolean {
    this.space();
    const c = this.text[this.at];
    if (c !== ',' && c !== close) this.fail(`"," or "${close}" is expected`);
    this.at += 1;
    return c === close;
  }

  private string(): string {
    const { text } = this;
    const start = this.at;
    let result = '';
    let escaped = false;
    let begin = start + 1;
    for (let at = begin; ;) {
      const c = text.charCodeAt(at);
      if (c === 0x22) {
        result += text.slice(begin, at);
        this.at = at + 1;
        break;
      }
      if (c === 0x5c) {
        result += text.slice(begin, at);
        this.at = at;
        result += this.escape();
        escaped = true;
        at = this.at;
        begin = at;
      } else if (c >= 0x20) at += 1;
      else {
        // NaN past the end, or a raw control character, which JSON forbids.
        this.at = at;
        this.fail(at >= text.length ? 'the text ends inside a string' : 'a control character in a string');
      }
    }
    // Text decoded from UTF-8 is well formed; only escapes can break it.
    if (escaped && LONE_SURROGATE.test(result)) throw new StrictJsonError('half a surrogate pair in a string', start);
    return result;
  }

  private escape(): string {
    const c = this.text[this.at + 1] ?? '';
    if (c === 'u') {
      const digits = this.text.slice(this.at + 2, this.at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.fail('a \\u escape needs four hexadecimal digits');
      this.at += 6;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const plain = ESCAPES[c];
    if (plain === undefined) this.fail('an unknown escape in a string');
    this.at += 2;
    return plain;
  }

  private number(): number | bigint | JsonDecimal {
    const short = this.shortInteger();
    if (short !== undefined) return short;
    NUMBER.lastIndex = this.at;
    const match = NUMBER.exec(this.text);
    if (match === null) return this.fail('a malformed number');
    const lexeme = match[0];
    const following = this.text[this.at + lexeme.length] ?? '';
    if (/[0-9.eE+-]/.test(following)) this.fail('a malformed number');
    this.at += lexeme.length;
    if (match[1] !== undefined || match[2] !== undefined || lexeme === '-0') return new JsonDecimal(Number(lexeme));
    const value = Number(lexeme);
    if (Number.isSafeInteger(value)) return value;
    // BigInt() of a text is quadratic in its length; nothing longer than a u64 is ever an exact integer here.
    return lexeme.length <= 21 ? BigInt(lexeme) : new JsonDecimal(value);
  }

  /** The common case, without a regular expression: up to 15 digits and nothing that would continue the number. */
  private shortInteger(): number | undefined {
    let value = 0;
    let at = this.at;
    let c = this.text.charCodeAt(at);
    if (c === 0x30) {
      c = this.text.charCodeAt((at += 1));
      if (c >= 0x30 && c <= 0x39) return undefined;
    } else
      while (c >= 0x30 && c <= 0x39) {
        value = value * 10 + (c - 0x30);
        c = this.text.charCodeAt((at += 1));
      }
    const digits = at - this.at;
    // `.`, `e`, `E`, `+`, `-`: a decimal or a malformed number, told apart by the full rule.
    if (digits === 0 || digits > 15 || c === 0x2e || c === 0x65 || c === 0x45 || c === 0x2b || c === 0x2d)
      return undefined;
    this.at = at;
    return value;
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) this.fail('a value is expected');
    this.at += word.length;
    return value;
  }

  private space(): void {
    for (;;) {
      const c = this.text.charCodeAt(this.at);
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
      this.at += 1;
    }
  }

  private fail(what: string): never {
    throw new StrictJsonError(what, this.at);
  }
}
