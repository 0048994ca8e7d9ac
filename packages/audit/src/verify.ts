// Verifies a log's directory from the entries up, believing nothing in it but what the key signed.
import { join } from "node:path";
import { isPratiqueError } from "@pratique/core";
import { CHECKPOINTS, splitNotes } from "./checkpoint-list.ts";
import { edgeRoot, EMPTY_EDGE, extendEdge, partialFiles, type Edge, type TileFile } from "./edge.ts";
import { decodeRecord, sequenceOf } from "./entry.ts";
import { decodeFrames } from "./frames.ts";
import { JOURNAL } from "./journal.ts";
import { readIfThere } from "./log-files.ts";
import { leafHash, verifyConsistency, verifyInclusion } from "./merkle.ts";
import { openCheckpoint, parseVkey, type Checkpoint, type NoteVerifier } from "./note.ts";
import { consistencyPath, inclusionPath, readBundle, tileHashes } from "./tile-reader.ts";
import { TILE_WIDTH, tileOf, tilePath } from "./tile.ts";
import { CHECKPOINT } from "./tree.ts";
import { Checks, type VerifyReport } from "./verify-report.ts";

const SAMPLES = 16;

export interface VerifyOptions {
  readonly directory: string;
  readonly verifier: NoteVerifier;
  /** An older checkpoint note, kept elsewhere: the log must extend what it says. */
  readonly since?: string | undefined;
  /** Sees each bundle's entries as they are read. */
  readonly onEntries?: (first: number, entries: readonly Buffer[], checks: Checks) => Promise<void>;
}

/**
 * Verifies a log without its database or its key.
 * Recomputes every hash from the entry bundles, and compares each tile, each checkpoint ever signed and the journal.
 * @throws `audit.bad-note` only when `vkey` is none; all else is in the report
 */
export function verifyLogDirectory(o: {
  readonly directory: string;
  readonly vkey: string;
  readonly since?: string;
}): Promise<VerifyReport> {
  return verifyLog({ directory: o.directory, verifier: parseVkey(o.vkey), since: o.since });
}

export async function verifyLog(o: VerifyOptions, checks: Checks = new Checks()): Promise<VerifyReport> {
  const published = await readPublished(o, checks);
  const listed = await readListed(o, published, checks);
  const checkpoint = listed.at(-1) ?? published;
  if (checkpoint === undefined) return checks.report(0, undefined);
  const { edge, samples } = await walk(o, checkpoint, listed, checks);
  if (edge.size === checkpoint.size) {
    await checkInclusion(o.directory, checkpoint, samples, checks);
    await checkSince(o, checkpoint, checks);
  }
  const pending = await checkJournal(o.directory, checkpoint.size, checks);
  return checks.report(checkpoint.size + pending, checkpoint);
}

async function readPublished(o: VerifyOptions, checks: Checks): Promise<Checkpoint | undefined> {
  checks.pass("checkpoint", `signed by ${o.verifier.name}`);
  const bytes = await readIfThere(join(o.directory, CHECKPOINT));
  if (bytes === undefined) {
    checks.fail("checkpoint", `${CHECKPOINT} is missing`);
    return undefined;
  }
  return attempt(checks, "checkpoint", () => openCheckpoint(bytes.toString(), o.verifier, CHECKPOINT));
}

/** All notes that verify, oldest first. */
async function readListed(o: VerifyOptions, published: Checkpoint | undefined, checks: Checks): Promise<Checkpoint[]> {
  const bytes = (await readIfThere(join(o.directory, CHECKPOINTS))) ?? Buffer.alloc(0);
  const { notes } = splitNotes(bytes);
  const listed: Checkpoint[] = [];
  for (const [at, note] of notes.entries()) {
    const opened = attempt(checks, "checkpoints", () => openCheckpoint(note, o.verifier, `${CHECKPOINTS}, note ${at}`));
    if (opened === undefined) continue;
    if (opened.size < (listed.at(-1)?.size ?? 0)) checks.fail("checkpoints", `${CHECKPOINTS}: note ${at} goes back`);
    listed.push(opened);
  }
  checks.pass("checkpoints", `${listed.length} signed, each extends the one before`);
  if (published !== undefined && !listed.some(({ note }) => note === published.note)) {
    checks.fail("checkpoints", `${CHECKPOINTS} does not list what ${CHECKPOINT} says`);
  }
  return listed;
}

/** Reads every entry, and compares all that is computed from them with what stands on disk and what was signed. */
async function walk(
  o: VerifyOptions,
  checkpoint: Checkpoint,
  listed: readonly Checkpoint[],
  checks: Checks,
): Promise<{ edge: Edge; samples: Map<number, Buffer> }> {
  const { size } = checkpoint;
  const signed = Map.groupBy([checkpoint, ...listed], (one) => one.size);
  const stops = [...signed.keys()].sort((one, other) => one - other).values();
  let stop = stops.next();
  const samples = new Map<number, Buffer>(sampleOf(size).map((sequence) => [sequence, Buffer.alloc(0)]));
  let edge = EMPTY_EDGE;
  checkRoots(edge, signed, checks);
  while (edge.size < size) {
    const first = edge.size;
    const entries = await readEntries(o.directory, first / TILE_WIDTH, size, checks);
    if (entries === undefined) break;
    const file = bundlePath(first / TILE_WIDTH, size);
    for (const [at, entry] of entries.entries()) {
      attempt(checks, "records", () => decodeRecord(entry, first + at, file));
      if (samples.has(first + at)) samples.set(first + at, leafHash(entry));
    }
    await o.onEntries?.(first, entries, checks);
    // Up to each size that was signed, then to the bundle's end.
    const end = first + entries.length;
    while (edge.size < end) {
      while (!stop.done && stop.value <= edge.size) stop = stops.next();
      const until = Math.min(stop.value ?? end, end);
      const extended = extendEdge(edge, entries.slice(edge.size - first, until - first));
      edge = extended.edge;
      await compareFiles(o.directory, extended.full, file, checks);
      checkRoots(edge, signed, checks);
    }
  }
  if (edge.size === size)
    await compareFiles(o.directory, partialFiles(edge), bundlePath(Math.floor(size / TILE_WIDTH), size), checks);
  checks.pass("records", `${size} records, in sequence and of their form`);
  checks.pass("tiles", "every tile holds the hashes of its entries");
  checks.pass("consistency", "the entries give the root of every checkpoint that was signed");
  return { edge, samples };
}

function checkRoots(edge: Edge, signed: ReadonlyMap<number, readonly Checkpoint[]>, checks: Checks): void {
  const rootHash = edgeRoot(edge).toString("base64");
  for (const one of signed.get(edge.size) ?? []) {
    if (one.rootHash !== rootHash) {
      checks.fail("consistency", `the first ${edge.size} entries do not give the root signed in ${CHECKPOINTS}`);
    }
  }
}

async function readEntries(
  directory: string,
  index: number,
  size: number,
  checks: Checks,
): Promise<Buffer[] | undefined> {
  try {
    return await readBundle(directory, index, size);
  } catch (error) {
    checks.fail("records", messageOf(error));
    return undefined;
  }
}

async function compareFiles(
  directory: string,
  files: readonly TileFile[],
  bundle: string,
  checks: Checks,
): Promise<void> {
  for (const { path, bytes } of files) {
    const found = await readIfThere(join(directory, path));
    if (found === undefined) checks.fail("tiles", `${path} is missing`);
    else if (!found.equals(bytes)) checks.fail("tiles", `${path} does not follow from the entries up to ${bundle}`);
  }
}

async function checkInclusion(
  directory: string,
  { size, rootHash }: Checkpoint,
  samples: ReadonlyMap<number, Buffer>,
  checks: Checks,
): Promise<void> {
  const read = tileHashes(directory, size);
  for (const [sequence, leaf] of samples) {
    try {
      const path = await inclusionPath(sequence, size, read);
      if (!verifyInclusion(leaf, sequence, size, path, Buffer.from(rootHash, "base64"))) {
        checks.fail(
          "inclusion",
          `record ${sequence} in ${bundlePath(Math.floor(sequence / TILE_WIDTH), size)} is not proved`,
        );
      }
    } catch (error) {
      checks.fail("inclusion", messageOf(error));
    }
  }
  checks.pass("inclusion", `${samples.size} sampled records are proved to be in the tree`);
}

async function checkSince(o: VerifyOptions, { size, rootHash }: Checkpoint, checks: Checks): Promise<void> {
  const { since } = o;
  if (since === undefined) return;
  const older = attempt(checks, "since", () => openCheckpoint(since, o.verifier, "the older checkpoint"));
  if (older === undefined) return;
  checks.pass("since", `the log extends the checkpoint of ${older.size} records`);
  if (older.size > size)
    return checks.fail("since", `${CHECKPOINT}: the log has ${size} records and once had ${older.size}`);
  try {
    const path = await consistencyPath(older.size, size, tileHashes(o.directory, size));
    const [oldRoot, root] = [Buffer.from(older.rootHash, "base64"), Buffer.from(rootHash, "base64")];
    if (!verifyConsistency(older.size, size, path, oldRoot, root)) {
      checks.fail("since", `${CHECKPOINT}: the log does not extend the checkpoint of ${older.size} records`);
    }
  } catch (error) {
    checks.fail("since", messageOf(error));
  }
}

/** Checks the journal; returns how many records it has that no checkpoint covers yet. */
async function checkJournal(directory: string, size: number, checks: Checks): Promise<number> {
  const { entries, tail, soundBytes } = decodeFrames((await readIfThere(join(directory, JOURNAL))) ?? Buffer.alloc(0));
  if (tail === "damaged") checks.fail("journal", `${JOURNAL} is damaged at byte ${soundBytes}`);
  const first = entries[0] === undefined ? size : sequenceOf(entries[0]);
  if (first === undefined || first > size)
    checks.fail("journal", `${JOURNAL} does not follow the ${size} records of the tree`);
  const from = first ?? size;
  const read = tileHashes(directory, size);
  for (const [at, entry] of entries.entries()) {
    attempt(checks, "journal", () => decodeRecord(entry, from + at, JOURNAL));
    if (from + at >= size) continue;
    const leaf = await read({ level: 0, index: from + at }).catch(() => undefined);
    if (!leaf?.equals(leafHash(entry)))
      checks.fail("journal", `${JOURNAL}: record ${from + at} is not the one in the tree`);
  }
  const pending = Math.max(from + entries.length - size, 0);
  checks.pass(
    "journal",
    `${pending} records wait for the next checkpoint${tail === "torn" ? "; its last write was interrupted" : ""}`,
  );
  return pending;
}

/** Evenly spread, with the first and the last. */
function sampleOf(size: number): number[] {
  const count = Math.min(SAMPLES, size);
  return Array.from({ length: count }, (_, at) => Math.floor((at * (size - 1)) / Math.max(count - 1, 1)));
}

function bundlePath(index: number, size: number): string {
  const address = tileOf("entries", index, size);
  return address === undefined ? "tile/entries" : tilePath(address);
}

function attempt<T>(checks: Checks, name: string, act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    checks.fail(name, messageOf(error));
    return undefined;
  }
}

function messageOf(error: unknown): string {
  if (isPratiqueError(error)) return error.message;
  throw error;
}
