// What Go's linker writes into every program: its version and its modules (debug/buildinfo).
import type { FileParts, FoundPackage } from "../facts.ts";
import type { Elf } from "./elf-sections.ts";

const MARK = Buffer.from("\xff Go buildinf:", "latin1");
const ALIGNMENT = 16;
const HEADER_BYTES = 32;
const MAX_TEXT = 16 * 1024 ** 2;
const MAX_MODULES = 20_000;
/** The module text stands between two random marks of this many bytes. */
const SENTINEL = 16;

export interface GoBuildInfo {
  /** `go1.26.8` */
  readonly version: string;
  readonly modules: string;
}

/** `undefined` for what was not linked by Go. */
export function readGoBuildInfo(file: FileParts, elf: Elf): GoBuildInfo | undefined {
  const section = elf.section(".go.buildinfo");
  // Without section headers (`strip` of another kind) the mark is looked for in all of it.
  const within = section ?? (elf.hasSections ? undefined : file.slice(0, file.size));
  if (within === undefined) return undefined;
  for (let at = within.indexOf(MARK); at !== -1; at = within.indexOf(MARK, at + 1)) {
    if (at % ALIGNMENT !== 0 && section === undefined) continue;
    const data = within.subarray(at);
    if (data.length < HEADER_BYTES) return undefined;
    const flags = data[15] ?? 0;
    const info = (flags & 2) !== 0 ? inlineStrings(data) : pointedStrings(data, elf, (flags & 1) !== 0);
    if (info !== undefined && (info.version.startsWith("go") || info.version.startsWith("devel "))) return info;
  }
  return undefined;
}

/** Go 1.18 and later: lengths and texts follow. */
function inlineStrings(data: Buffer): GoBuildInfo | undefined {
  const version = counted(data, HEADER_BYTES);
  const modules = version === undefined ? undefined : counted(data, version.next);
  if (version === undefined || modules === undefined) return undefined;
  return { version: version.text, modules: withoutSentinels(modules.text) };
}

function counted(data: Buffer, offset: number): { readonly text: string; readonly next: number } | undefined {
  let length = 0;
  let at = offset;
  for (let shift = 1; ; shift *= 128, at += 1) {
    const byte = data[at];
    if (byte === undefined || shift > 128 ** 4) return undefined;
    length += (byte & 0x7f) * shift;
    if (byte < 0x80) break;
  }
  const next = at + 1 + length;
  // latin1: the sentinels are bytes, and counted as such.
  return length > MAX_TEXT || next > data.length ? undefined : { text: data.toString("latin1", at + 1, next), next };
}

/** Before Go 1.18: two pointers to string headers. */
function pointedStrings(data: Buffer, elf: Elf, isBig: boolean): GoBuildInfo | undefined {
  const bytes = data[14] ?? 0;
  if (bytes !== elf.pointerBytes) return undefined;
  const pointer = (from: Buffer, at: number): number => {
    if (at + bytes > from.length) return 0;
    if (bytes === 4) return isBig ? from.readUInt32BE(at) : from.readUInt32LE(at);
    return Number(isBig ? from.readBigUInt64BE(at) : from.readBigUInt64LE(at));
  };
  const text = (at: number): string => {
    const header = elf.at(pointer(data, at), bytes * 2);
    if (header === undefined) return "";
    const length = pointer(header, bytes);
    const content = length > MAX_TEXT ? undefined : elf.at(pointer(header, 0), length);
    return content === undefined ? "" : content.toString("latin1");
  };
  const version = text(16);
  return version === "" ? undefined : { version, modules: withoutSentinels(text(16 + bytes)) };
}

function withoutSentinels(text: string): string {
  return text.length >= 33 && text[text.length - SENTINEL - 1] === "\n" ? text.slice(SENTINEL, -SENTINEL) : "";
}

/** The main module, its dependencies as they were replaced, and the standard library. */
export function goPackages({ version, modules }: GoBuildInfo): FoundPackage[] {
  const found: FoundPackage[] = [];
  let settings = "";
  for (const line of modules.split("\n")) {
    const [word, path, moduleVersion] = line.split("\t");
    if (word === "build") settings += `${path ?? ""}\n`;
    if (path === undefined || path === "" || path.length > 1000 || found.length >= MAX_MODULES) continue;
    if (word === "=>") found.pop();
    if (word === "mod" || word === "dep" || word === "=>") found.push(goModule(path, moduleVersion ?? ""));
  }
  const [main] = found;
  const stated = main?.version === "(devel)" ? linkedVersion(settings) : undefined;
  if (main !== undefined && stated !== undefined) found[0] = { ...main, version: stated };
  const release = /^go(\d\S*)/.exec(version)?.[1];
  return release === undefined
    ? found
    : [...found, { type: "golang", name: "stdlib", version: `v${release}`, licences: ["BSD-3-Clause"] }];
}

export function goModule(path: string, version: string): FoundPackage {
  const slash = path.lastIndexOf("/");
  return {
    type: "golang",
    ...(slash === -1 ? {} : { namespace: path.slice(0, slash) }),
    name: path.slice(slash + 1),
    version: version === "" ? "(devel)" : version,
    licences: [],
  };
}

const LINKED_VERSION =
  /-X[ =]['"\\]{0,4}[\w./-]{1,200}\.(?:version|Version|gitVersion|GitVersion)=v?(\d+\.\d+\.\d+[\w.+-]{0,64})/;

/** What a release build hands to the linker: `-X main.version=1.2.3`. */
function linkedVersion(settings: string): string | undefined {
  const flags = /^-ldflags=(.*)$/m.exec(settings)?.[1] ?? "";
  const match = LINKED_VERSION.exec(flags);
  return match?.[1] === undefined ? undefined : `v${match[1]}`;
}
