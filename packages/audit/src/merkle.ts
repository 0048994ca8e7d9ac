// The Merkle tree of RFC 6962 §2.1 / RFC 9162 §2.1: hashes, proofs and their verification. Pure.
import { createHash } from "node:crypto";

const LEAF = new Uint8Array([0]);
const NODE = new Uint8Array([1]);

/** The hash of an entry: SHA-256(0x00 ‖ entry). */
export function leafHash(entry: Uint8Array): Buffer {
  return createHash("sha256").update(LEAF).update(entry).digest();
}

/** The hash of two subtrees: SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash("sha256").update(NODE).update(left).update(right).digest();
}

/** The root of a tree without entries: SHA-256 of nothing. */
export function emptyRoot(): Buffer {
  return createHash("sha256").digest();
}

/** The root over neighbouring complete subtrees, largest first, as they stand from left to right. */
export function foldSubtrees(hashes: readonly Buffer[]): Buffer {
  const last = hashes.at(-1);
  if (last === undefined) return emptyRoot();
  return hashes.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last);
}

/** A complete subtree: `level` 0 is a leaf; it covers leaves `index * 2^level` and the 2^level - 1 after it. */
export interface Subtree {
  readonly level: number;
  readonly index: number;
}

/** Leaves `start` to `end`, without `end`. */
export interface LeafRange {
  readonly start: number;
  readonly end: number;
}

/** The complete subtrees, largest first, whose fold is the hash of a range that a proof asks for. */
export function subtreesOf({ start, end }: LeafRange): Subtree[] {
  const subtrees: Subtree[] = [];
  for (let at = start; at < end;) {
    const level = Math.floor(Math.log2(end - at));
    subtrees.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return subtrees;
}

/** The largest power of two smaller than `size` (RFC 9162 §2.1.1, k). */
function split(size: number): number {
  return 2 ** Math.ceil(Math.log2(size) - 1);
}

/** The ranges whose hashes prove that leaf `index` is in a tree of `size`, from the leaf up (RFC 9162 §2.1.3.1). */
export function inclusionRanges(index: number, size: number): LeafRange[] {
  const ranges: LeafRange[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + split(end - start);
    if (index < middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  return ranges.toReversed();
}

/** The ranges whose hashes prove that a tree of `size` extends one of `oldSize` (RFC 9162 §2.1.4.1). */
export function consistencyRanges(oldSize: number, size: number): LeafRange[] {
  if (oldSize === 0 || oldSize === size) return [];
  const ranges: LeafRange[] = [];
  let [start, end] = [0, size];
  while (oldSize !== end) {
    const middle = start + split(end - start);
    if (oldSize <= middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  // The old tree itself is known to the verifier only when it is a whole left part.
  if (start !== 0) ranges.push({ start, end });
  return ranges.toReversed();
}

/** True when `path` proves that the leaf is entry `index` of the tree with this root (RFC 9162 §2.1.3.2). */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!isCount(index) || !isCount(size) || index >= size) return false;
  let [node, last] = [index, size - 1];
  let hash: Uint8Array = leaf;
  for (const sibling of path) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && isEqual(hash, root);
}

/** True when `path` proves that the tree with `root` extends the one with `oldRoot` (RFC 9162 §2.1.4.2). */
export function verifyConsistency(
  oldSize: number,
  size: number,
  path: readonly Uint8Array[],
  oldRoot: Uint8Array,
  root: Uint8Array,
): boolean {
  if (!isCount(oldSize) || !isCount(size) || oldSize > size) return false;
  if (oldSize === size) return path.length === 0 && isEqual(oldRoot, root);
  if (oldSize === 0) return path.length === 0 && isEqual(emptyRoot(), oldRoot);
  let [node, last] = [oldSize - 1, size - 1];
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  // When the old tree is a complete left part, its root starts the path and is not sent.
  const hashes = node === 0 ? [oldRoot, ...path] : path;
  const [first, ...rest] = hashes;
  if (first === undefined) return false;
  let old: Uint8Array = first;
  let current: Uint8Array = first;
  for (const sibling of rest) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      old = nodeHash(sibling, old);
      current = nodeHash(sibling, current);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      current = nodeHash(current, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && isEqual(old, oldRoot) && isEqual(current, root);
}

function half(value: number): number {
  return Math.floor(value / 2);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
