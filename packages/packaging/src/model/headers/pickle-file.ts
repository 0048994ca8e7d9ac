// Pickles, read opcode by opcode and never executed: what they would import is what can harm (CPython, pickletools.py).

/** A name that unpickling would import. */
export interface PickleImport {
  readonly module: string;
  readonly name: string;
  readonly verdict: "dangerous" | "known" | "unknown";
}

export interface PickleFacts {
  readonly imports: readonly PickleImport[];
  /** True when it ends with STOP and every opcode of it was understood. */
  readonly isWhole: boolean;
  /** REDUCE, INST, OBJ, NEWOBJ, BUILD: how often it would call something. */
  readonly calls: number;
  /** Opcodes that were understood, and the bytes they took. */
  readonly opcodes: number;
  readonly sizeBytes: number;
}

const LIMIT_OPCODES = 5_000_000;
const LIMIT_IMPORTS = 1000;
const LIMIT_STACK = 1_000_000;

/** Modules whose import by a pickle is never honest; a trailing name narrows it. */
const DANGEROUS: readonly string[] = [
  "os",
  "posix",
  "nt",
  "subprocess",
  "sys",
  "socket",
  "shutil",
  "runpy",
  "pty",
  "ctypes",
  "importlib",
  "imp",
  "code",
  "codeop",
  "commands",
  "webbrowser",
  "pickle",
  "_pickle",
  "cPickle",
  "cloudpickle",
  "dill",
  "marshal",
  "types",
  "asyncio",
  "multiprocessing",
  "threading",
  "_thread",
  "signal",
  "pdb",
  "bdb",
  "timeit",
  "trace",
  "profile",
  "cProfile",
  "pip",
  "ensurepip",
  "venv",
  "http",
  "urllib",
  "requests",
  "httpx",
  "aiohttp",
  "ftplib",
  "smtplib",
  "telnetlib",
  "tempfile",
  "pathlib",
  "io",
  "_io",
  "linecache",
  "zipimport",
  "pkgutil",
  "atexit",
  "gc",
  "inspect",
  "site",
  "sysconfig",
  "platform",
  "getattr",
  "torch.hub",
  "torch._inductor",
  "torch.utils._config_module",
  "numpy.testing._private.utils",
  "numpy.f2py",
  "idlelib",
  "lib2to3",
  "distutils",
  "setuptools",
  "doctest",
  "unittest",
  "logging.config",
  "test.support",
];
const DANGEROUS_NAMES: ReadonlySet<string> = new Set([
  "builtins.eval",
  "builtins.exec",
  "builtins.compile",
  "builtins.getattr",
  "builtins.setattr",
  "builtins.delattr",
  "builtins.open",
  "builtins.__import__",
  "builtins.globals",
  "builtins.locals",
  "builtins.vars",
  "builtins.input",
  "builtins.breakpoint",
  "builtins.apply",
  "builtins.map",
  "builtins.filter",
  "operator.attrgetter",
  "operator.methodcaller",
  "operator.itemgetter",
  "_operator.attrgetter",
  "_operator.methodcaller",
  "_operator.itemgetter",
  "functools.partial",
  "functools.reduce",
  "torch.load",
  "torch.jit.load",
  "torch.compile",
  "joblib.load",
  "numpy.load",
]);
/** What checkpoints of the usual libraries are made of. */
const KNOWN: readonly RegExp[] = [
  /^collections\.(?:OrderedDict|defaultdict|Counter|deque)$/,
  /^torch\._utils\._rebuild_(?:tensor|tensor_v2|tensor_v3|parameter|parameter_with_state|device_tensor_from_numpy|sparse_tensor)$/,
  /^torch\.(?:[A-Za-z]+Storage|Size|device|dtype|float16|float32|float64|bfloat16|int8|int16|int32|int64|uint8|bool|Tensor)$/,
  /^torch\.(?:storage\._load_from_bytes|nn\.parameter\.Parameter|serialization\._get_layout)$/,
  /^numpy\.(?:core|_core)\.(?:multiarray\.(?:_reconstruct|scalar)|numeric\._frombuffer)$/,
  /^numpy\.(?:dtype|ndarray|float32|float64|int32|int64)$/,
  /^builtins\.(?:set|frozenset|list|dict|tuple|int|float|complex|bytes|bytearray|str|bool|slice|range|object)$/,
  /^_codecs\.encode$/,
  /^(?:copy_reg|copyreg)\._reconstructor$/,
  /^joblib\.numpy_pickle\.NumpyArrayWrapper$/,
];

export function verdictOf(module: string, name: string): PickleImport["verdict"] {
  // Python 2's names, as protocols below 3 write them.
  const plain = module === "__builtin__" ? "builtins" : module;
  const full = `${plain}.${name}`;
  if (DANGEROUS_NAMES.has(full)) return "dangerous";
  if (DANGEROUS.some((one) => plain === one || plain.startsWith(`${one}.`) || full.startsWith(`${one}.`)))
    return "dangerous";
  // A dotted name reaches through what it imports: `collections.OrderedDict.__init__.__globals__`.
  if (name.includes(".") || name.startsWith("__")) return "dangerous";
  return KNOWN.some((one) => one.test(full)) ? "known" : "unknown";
}

/** Bytes of an opcode's argument; `line` ends at a newline, `lengthN` states its own. */
type Argument = number | "line" | "line2" | "length1" | "length4" | "length8";

const ARGUMENTS: ReadonlyMap<number, Argument> = new Map<number, Argument>([
  ...["(", ".", "0", "1", "2", "N", "Q", "R", "a", "b", "d", "}", "e", "l", "]", "o", "s", "t", ")", "u"].map(op(0)),
  ...["I", "L", "F", "P", "S", "V", "g", "p"].map(op("line")),
  ...["c", "i"].map(op("line2")),
  ...["K", "h", "q"].map(op(1)),
  ...["M"].map(op(2)),
  ...["J", "j", "r"].map(op(4)),
  ...["G"].map(op(8)),
  ...["U", "C"].map(op("length1")),
  ...["T", "X", "B"].map(op("length4")),
  [0x80, 1],
  [0x81, 0],
  [0x82, 1],
  [0x83, 2],
  [0x84, 4],
  [0x85, 0],
  [0x86, 0],
  [0x87, 0],
  [0x88, 0],
  [0x89, 0],
  [0x8a, "length1"],
  [0x8b, "length4"],
  [0x8c, "length1"],
  [0x8d, "length8"],
  [0x8e, "length8"],
  [0x8f, 0],
  [0x90, 0],
  [0x91, 0],
  [0x92, 0],
  [0x93, 0],
  [0x94, 0],
  [0x95, 8],
  [0x96, "length8"],
  [0x97, 0],
  [0x98, 0],
]);

function op(argument: Argument): (letter: string) => [number, Argument] {
  return (letter) => [letter.charCodeAt(0), argument];
}

const code = (letter: string): number => letter.charCodeAt(0);
const TEXTS: ReadonlySet<number> = new Set([code("S"), code("T"), code("U"), code("V"), code("X"), 0x8c, 0x8d]);
const CALLS: ReadonlySet<number> = new Set([code("R"), code("i"), code("o"), code("b"), 0x81, 0x92]);
/** Extension registry, persistent ids: imports that a pickle does not name. */
const HIDDEN: ReadonlySet<number> = new Set([0x82, 0x83, 0x84]);

/** Walks one pickle, from its first byte to its STOP. Bytes behind it are not looked at. */
export function walkPickle(bytes: Buffer): PickleFacts {
  const imports = new Map<string, PickleImport>();
  /** Texts in the order they came onto the stack, `undefined` for what is none: enough for STACK_GLOBAL. */
  const pushed: (string | undefined)[] = [];
  const memo = new Memo();
  let calls = 0;
  let at = 0;
  let opcodes = 0;
  const note = (module: string | undefined, name: string | undefined): void => {
    if (imports.size >= LIMIT_IMPORTS) return;
    // A name that was put together on the way is hidden on purpose.
    const found: PickleImport =
      module === undefined || name === undefined
        ? { module: module ?? "?", name: name ?? "?", verdict: "dangerous" }
        : { module: module.slice(0, 200), name: name.slice(0, 200), verdict: verdictOf(module, name) };
    imports.set(`${found.module} ${found.name}`, found);
  };
  const ended = (isWhole: boolean): PickleFacts => ({
    imports: [...imports.values()],
    isWhole,
    calls,
    opcodes,
    sizeBytes: at,
  });
  for (; opcodes < LIMIT_OPCODES && at < bytes.length; opcodes += 1) {
    const opcode = bytes[at]!;
    at += 1;
    const argument = ARGUMENTS.get(opcode);
    if (argument === undefined) return ended(false);
    const taken = takeArgument(bytes, at, argument);
    if (taken === undefined) return ended(false);
    at = taken.end;
    if (opcode === code(".")) return ended(true);
    if (CALLS.has(opcode)) calls += 1;
    if (opcode === code("c") || opcode === code("i")) {
      const [module = "", name = ""] = taken.text.toString("latin1").split("\n");
      note(module, name);
      pushed.push(undefined);
    } else if (opcode === 0x93) {
      const name = pushed.pop();
      note(pushed.pop(), name);
      pushed.push(undefined);
    } else if (HIDDEN.has(opcode)) {
      note(undefined, "copyreg extension");
      pushed.push(undefined);
    } else if (opcode === 0x94) memo.put(undefined, pushed.at(-1));
    else if (opcode === code("q") || opcode === code("r") || opcode === code("p")) {
      memo.put(indexOf(opcode, taken.text), pushed.at(-1));
    } else if (opcode === code("h") || opcode === code("j") || opcode === code("g")) {
      pushed.push(memo.get(indexOf(opcode, taken.text)));
    } else if (TEXTS.has(opcode)) pushed.push(textOf(opcode, taken.text));
    else if (opcode === code("2")) pushed.push(pushed.at(-1));
    else if (opcode === code("0")) pushed.pop();
    else if (opcode !== 0x80 && opcode !== 0x95) pushed.push(undefined);
    if (pushed.length > LIMIT_STACK) pushed.splice(0, LIMIT_STACK / 2);
  }
  return ended(false);
}

/** The unpickler's memo. After an index that can be read in two ways nothing of it is believed. */
class Memo {
  readonly #texts = new Map<number, string | undefined>();
  #isTrusted = true;

  /** Without an index it is the next one (MEMOIZE). */
  put(index: number | undefined, text: string | undefined): void {
    if (Number.isNaN(index)) this.#isTrusted = false;
    else this.#texts.set(index ?? this.#texts.size, text);
  }

  get(index: number): string | undefined {
    return this.#isTrusted ? this.#texts.get(index) : undefined;
  }
}

function takeArgument(bytes: Buffer, at: number, argument: Argument): { text: Buffer; end: number } | undefined {
  const fixed = (start: number, length: number) =>
    start + length > bytes.length ? undefined : { text: bytes.subarray(start, start + length), end: start + length };
  if (typeof argument === "number") return fixed(at, argument);
  if (argument === "line" || argument === "line2") {
    let end = bytes.indexOf(0x0a, at);
    if (argument === "line2" && end !== -1) end = bytes.indexOf(0x0a, end + 1);
    return end === -1 ? undefined : { text: bytes.subarray(at, end), end: end + 1 };
  }
  const size = argument === "length1" ? 1 : argument === "length4" ? 4 : 8;
  if (at + size > bytes.length) return undefined;
  const length =
    size === 1 ? bytes.readUInt8(at) : size === 4 ? bytes.readUInt32LE(at) : Number(bytes.readBigUInt64LE(at));
  return fixed(at + size, length);
}

function indexOf(opcode: number, argument: Buffer): number {
  if (opcode === code("g") || opcode === code("p")) {
    const text = argument.toString("latin1");
    return /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN;
  }
  return argument.length === 1 ? argument.readUInt8(0) : argument.readUInt32LE(0);
}

function textOf(opcode: number, argument: Buffer): string {
  const text = argument.toString("utf8");
  return opcode === code("S") ? text.replace(/^(['"])(.*)\1$/s, "$2") : text;
}
