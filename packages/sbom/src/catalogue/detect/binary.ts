// Executables: what Go and Cargo wrote into them, and a few that are known by name.
import { NOTHING, Unreadable, type Detector, type FoundPackage } from "../facts.ts";
import { cargoPackages } from "../binary/cargo-auditable.ts";
import { isElf, openElf } from "../binary/elf-sections.ts";
import { goPackages, readGoBuildInfo } from "../binary/go-build-info.ts";
import { knownProgram } from "../binary/known-programs.ts";

export const executable: Detector = {
  name: "binary",
  maxBytes: 256 * 1024 ** 2,
  begins: isElf,
  read: ({ path, bytes }) => {
    const elf = openElf(bytes);
    if (elf === undefined) throw new Unreadable("its header is damaged");
    const info = readGoBuildInfo(bytes, elf);
    const known = info === undefined ? knownProgram(path, bytes) : undefined;
    const found: FoundPackage[] = [
      ...(info === undefined ? [] : goPackages(info)),
      ...cargoPackages(elf),
      ...(known === undefined ? [] : [known]),
    ];
    return found.length === 0 ? NOTHING : { facts: found.map((one) => ({ fact: "package", package: one })) };
  },
};
