// Checks a WebAssembly module before it is run: what it needs, what it offers, how much memory it may take.

const MAGIC = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const MEMORY_SECTION = 5;
const PAGE_BYTES = 65_536;
/** Functions and memory that it must export. */
const EXPORTS = { memory: "memory", pratique_alloc: "function", pratique_intercept: "function" } as const;

/** The module, compiled. @throws Error that says what is wrong with it */
export async function checkedModule(bytes: Buffer, memoryBytes: number): Promise<WebAssembly.Module> {
  const maximum = maximumPages(bytes);
  if (maximum === undefined) throw new Error("its memory has no maximum; link it with one");
  if (maximum * PAGE_BYTES > memoryBytes) {
    throw new Error(`its memory may grow to ${maximum * PAGE_BYTES} bytes, and memoryBytes is ${memoryBytes}`);
  }
  let module: WebAssembly.Module;
  try {
    module = await WebAssembly.compile(new Uint8Array(bytes));
  } catch {
    throw new Error("it is no valid WebAssembly module");
  }
  const [needed] = WebAssembly.Module.imports(module);
  if (needed !== undefined) throw new Error(`it imports ${needed.module}.${needed.name}; nothing is given to it`);
  const offered = new Map(WebAssembly.Module.exports(module).map(({ name, kind }) => [name, kind]));
  for (const [name, kind] of Object.entries(EXPORTS)) {
    if (offered.get(name) !== kind) throw new Error(`it does not export the ${kind} ${name}`);
  }
  return module;
}

/** The declared maximum of its one memory (WebAssembly 2.0 §5.5.8); undefined when it declares none, or no memory. */
function maximumPages(bytes: Buffer): number | undefined {
  if (!MAGIC.every((byte, at) => bytes[at] === byte)) throw new Error("it is no WebAssembly module");
  const reader = new LebReader(bytes, MAGIC.length);
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const size = reader.unsigned();
    const end = reader.at + size;
    if (id === MEMORY_SECTION) {
      if (reader.unsigned() !== 1) throw new Error("it has more than one memory");
      const flags = reader.byte();
      if (flags !== 0 && flags !== 1) throw new Error("its memory is shared or has 64-bit addresses");
      reader.unsigned();
      return flags === 1 ? reader.unsigned() : undefined;
    }
    reader.at = end;
  }
  return undefined;
}

class LebReader {
  readonly #bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw new Error("it ends too early");
    return byte;
  }

  /** Unsigned LEB128 of 32 bits (§5.2.2). */
  unsigned(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) return value;
    }
    throw new Error("it has a number of more than 32 bits");
  }
}
