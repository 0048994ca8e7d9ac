// Small WebAssembly modules, written byte by byte, so that tests need no compiler.

export interface WasmFixture {
  /** What it answers; undefined: what it was asked. */
  readonly answer: string | undefined;
  readonly loops?: boolean;
  readonly traps?: boolean;
  /** Answers with a place that is not in its memory. */
  readonly lies?: boolean;
  readonly imports?: boolean;
  readonly maximumPages?: number | undefined;
}

const I32 = 0x7f;
const I64 = 0x7e;
const ANSWER_AT = 1024;
const QUESTION_AT = 8192;

/** Exports memory, `pratique_alloc` and `pratique_intercept` as docs/guides/interceptors.md says. */
export function wasmModule(options: WasmFixture): Uint8Array {
  const { answer, loops, traps, lies, imports } = options;
  const maximumPages = "maximumPages" in options ? options.maximumPages : 4;
  const types = section(1, [3, 0x60, 1, I32, 1, I32, 0x60, 2, I32, I32, 1, I64, 0x60, 0, 0]);
  const imported = imports === true ? section(2, [1, ...name("env"), ...name("f"), 0x00, 2]) : [];
  const first = imports === true ? 1 : 0;
  const functions = section(3, [2, 0, 1]);
  const memory = section(5, [1, ...(maximumPages === undefined ? [0, 1] : [1, 1, ...leb(maximumPages)])]);
  const exports = section(7, [
    3,
    ...name("memory"),
    0x02,
    0,
    ...name("pratique_alloc"),
    0x00,
    first,
    ...name("pratique_intercept"),
    0x00,
    first + 1,
  ]);
  const alloc = body([0x41, ...signed(QUESTION_AT)]);
  const forever = loops === true ? [0x03, 0x40, 0x0c, 0, 0x0b] : [];
  const trap = traps === true ? [0x00] : [];
  const size = answer === undefined ? 0 : Buffer.byteLength(answer);
  const packed = lies === true ? (1n << 62n) | 100n : (BigInt(ANSWER_AT) << 32n) | BigInt(size);
  // (i64)place << 32 | (i64)length, of what it was asked.
  const echo = [0x20, 0, 0xad, 0x42, 32, 0x86, 0x20, 1, 0xad, 0x84];
  const intercept = body([...forever, ...trap, ...(answer === undefined ? echo : [0x42, ...signed64(packed)])]);
  const code = section(10, [2, ...alloc, ...intercept]);
  const text = [...Buffer.from(answer ?? "")];
  const data = section(11, [1, 0, 0x41, ...signed(ANSWER_AT), 0x0b, ...leb(text.length), ...text]);
  const parts = [types, imported, functions, memory, exports, code, data].flat();
  return Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, ...parts]);
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...leb(content.length), ...content];
}

function body(instructions: readonly number[]): number[] {
  const all = [0, ...instructions, 0x0b];
  return [...leb(all.length), ...all];
}

function name(text: string): number[] {
  return [text.length, ...Buffer.from(text)];
}

function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}

function signed(value: number): number[] {
  return signed64(BigInt(value));
}

function signed64(value: bigint): number[] {
  const low = Number(value & 0x7fn);
  const rest = value >> 7n;
  const isLast = (rest === 0n && low < 64) || (rest === -1n && low >= 64);
  return isLast ? [low] : [low | 0x80, ...signed64(rest)];
}
