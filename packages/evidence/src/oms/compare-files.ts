// Whether files are those that a model statement names.
import { compareOmsNames, type OmsStatement } from "./oms-statement.ts";

export interface FileDifferences {
  readonly changed: readonly string[];
  readonly missing: readonly string[];
  /** There, and not signed. */
  readonly extra: readonly string[];
}

/** `files` are the resources found (`path`, or `path:start:end` of shards) with their digests in hexadecimal. */
export function compareOmsFiles(statement: OmsStatement, files: ReadonlyMap<string, string>): FileDifferences {
  const signed = new Map(statement.resources.map(({ name, digest }) => [name, digest]));
  const sorted = (names: Iterable<string>): string[] => [...names].sort(compareOmsNames);
  return {
    changed: sorted([...signed.keys()].filter((name) => files.has(name) && files.get(name) !== signed.get(name))),
    missing: sorted([...signed.keys()].filter((name) => !files.has(name))),
    extra: sorted([...files.keys()].filter((name) => !signed.has(name))),
  };
}

export function isSame({ changed, missing, extra }: FileDifferences): boolean {
  return changed.length + missing.length + extra.length === 0;
}

/** True for a path that is one of `ignored`, or lies below it. */
export function isOmsIgnored(path: string, ignored: readonly string[]): boolean {
  return ignored.some((entry) => {
    const clean = entry.replace(/^\.\//, "").replace(/\/+$/, "");
    return path === clean || path.startsWith(`${clean}/`);
  });
}
