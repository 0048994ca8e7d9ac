// Whether a file is a pickle or holds some, told by its content; its name only decides where content does not.
import { extname } from "node:path";
import { isPratiqueError } from "@pratique/core";
import { packagingErrors } from "../../errors.ts";
import type { HeaderSource } from "./header-source.ts";
import { walkPickle, type PickleFacts, type PickleImport } from "./pickle-file.ts";
import { withZipMembers } from "./zip-source.ts";

export interface FoundPickle {
  /** The file, and the member of it in which the pickle lies. */
  readonly path: string;
  readonly member?: string;
  readonly imports: readonly PickleImport[];
  /** False when it goes on in a way that cannot be followed: what it imports behind that is not known. */
  readonly isWhole: boolean;
}

/** Of one pickle; weights lie beside it in a zip, and behind it in what torch wrote before 1.6. */
const LIMIT_PICKLE = 64 * 1024 * 1024;
const LIMIT_PARTS = 64;
const NAMES: ReadonlySet<string> = new Set([".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib"]);
const ZIP = "PK\u0003\u0004";
const NUMPY = "\u0093NUMPY";

/** Pickles in one file; empty for what is none. */
export async function findPickles(source: HeaderSource, path: string): Promise<FoundPickle[]> {
  const head = await source.read(0, Math.min(128, source.sizeBytes));
  const start = head.toString("latin1", 0, 6);
  if (start.startsWith(ZIP)) return inZip(source, path);
  if (start === NUMPY) return numpyPickle(source, path);
  const isNamed = NAMES.has(extname(path).toLowerCase());
  const isMarked = head[0] === 0x80 && (head[1] ?? 0) >= 2 && (head[1] ?? 0) <= 5;
  // Protocols 0 and 1 have no mark, and every text may begin like one: then the name decides.
  if (!isMarked && !isNamed) return [];
  const found = await inStream(source, path);
  if (found.length > 0) return found;
  // Compressed by joblib, or none at all: a name that is only ever given to pickles is believed.
  return isNamed ? [{ path, imports: [], isWhole: false }] : [];
}

/** Pickles that lie one after the other, as torch wrote them before 1.6, up to what is none. */
async function inStream(source: HeaderSource, path: string): Promise<FoundPickle[]> {
  const length = Math.min(source.sizeBytes, LIMIT_PICKLE);
  const bytes = await source.read(0, length);
  const imports = new Map<string, PickleImport>();
  let isWhole = true;
  let at = 0;
  for (let part = 0; part < LIMIT_PARTS && at < bytes.length; part += 1) {
    const facts = walkPickle(bytes.subarray(at));
    if (part > 0 && !facts.isWhole && facts.imports.length === 0) break;
    // The first bytes look like a pickle and are none.
    if (part === 0 && !facts.isWhole && facts.imports.length === 0 && !isLikely(facts)) return [];
    for (const one of facts.imports) imports.set(`${one.module} ${one.name}`, one);
    isWhole &&= facts.isWhole;
    if (!facts.isWhole) break;
    at += facts.sizeBytes;
  }
  return [{ path, imports: [...imports.values()], isWhole: isWhole && length === source.sizeBytes }];
}

/** A pickle that was cut, or that hides behind damage, has more than a handful of sound opcodes. */
function isLikely({ opcodes }: PickleFacts): boolean {
  return opcodes >= 8;
}

/** torch ≥ 1.6 (`archive/data.pkl`), numpy's `.npz`, and zips of pickles by any name. */
async function inZip(source: HeaderSource, path: string): Promise<FoundPickle[]> {
  try {
    return await withZipMembers(source, path, async (members) => {
      const found: FoundPickle[] = [];
      for (const member of members) {
        const isPickle = /\.(?:pkl|pickle)$/i.test(member.path);
        const isArray = member.path.endsWith(".npy");
        if (!isPickle && !isArray) continue;
        if (found.length >= 1000) throw packagingErrors("archive.too-large", { what: "more than 1000 pickles" });
        if (isArray) {
          if (hasObjects(await member.head(65_536))) {
            found.push({ path, member: member.path.slice(0, 200), imports: [], isWhole: false });
          }
          continue;
        }
        const facts = walkPickle(await member.read(LIMIT_PICKLE));
        found.push({ path, member: member.path.slice(0, 200), imports: facts.imports, isWhole: facts.isWhole });
      }
      return found;
    });
  } catch (error) {
    // A damaged zip that is called like a checkpoint is not taken for harmless.
    if (!isPratiqueError(error)) throw error;
    return NAMES.has(extname(path).toLowerCase()) ? [{ path, imports: [], isWhole: false }] : [];
  }
}

/** An array of objects: its header says `'descr': '|O'`, and what follows is a pickle (numpy, lib/format.py). */
function hasObjects(head: Buffer): boolean {
  return head.toString("latin1", 0, 6) === NUMPY && /'descr':[^}]*\|?O[0-9]*'/.test(head.toString("latin1", 0, 65_536));
}

async function numpyPickle(source: HeaderSource, path: string): Promise<FoundPickle[]> {
  const head = await source.read(0, Math.min(65_536, source.sizeBytes));
  if (!hasObjects(head)) return [];
  const size = head[6] === 1 ? 10 + head.readUInt16LE(8) : 12 + head.readUInt32LE(8);
  const length = Math.min(Math.max(source.sizeBytes - size, 0), LIMIT_PICKLE);
  const facts = walkPickle(await source.read(size, length));
  return [{ path, imports: facts.imports, isWhole: facts.isWhole }];
}
