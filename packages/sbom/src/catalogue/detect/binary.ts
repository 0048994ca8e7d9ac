// Executables: what Go and Cargo wrote into them, and a few that are known by name.
import { NOTHING, Unreadable, type Detector, type FileParts, type Findings, type FoundPackage } from "../facts.ts";
import { cargoPackages } from "../binary/cargo-auditable.ts";
import { isElf, openElf, partsOf } from "../binary/elf-sections.ts";
import { goPackages, readGoBuildInfo } from "../binary/go-build-info.ts";
import { knownProgram } from "../binary/known-programs.ts";

export const executable: Detector = {
  name: "binary",
  maxBytes: 256 * 1024 ** 2,
  begins: isElf,
  read: ({ path, bytes }) => packagesOf(partsOf(path, bytes)),
  readParts: packagesOf,
};

function packagesOf(file: FileParts): Findings {
  const elf = openElf(file);
  if (elf === undefined) throw new Unreadable("its header is damaged");
  const info = readGoBuildInfo(file, elf);
  const known = info === undefined ? knownProgram(file) : undefined;
  const found: FoundPackage[] = [
    ...(info === undefined ? [] : goPackages(info)),
    ...cargoPackages(elf),
    ...(known === undefined ? [] : [known]),
  ];
  return found.length === 0 ? NOTHING : { facts: found.map((one) => ({ fact: "package", package: one })) };
}
