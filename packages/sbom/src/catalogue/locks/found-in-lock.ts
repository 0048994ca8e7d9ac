// Findings of a lock file: each package once.
import { NOTHING, type Fact, type Findings, type FoundPackage } from "../facts.ts";

export function packagesIn(found: Iterable<FoundPackage | undefined>): Findings {
  const facts: Fact[] = [];
  for (const one of found) if (one !== undefined) facts.push({ fact: "package", package: one });
  return facts.length === 0 ? NOTHING : { facts };
}
