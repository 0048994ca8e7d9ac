// Bills of materials of 10,000 packages: written and read in every format, beside the CycloneDX library.
import type { PackageComponent } from "@pratique/contracts";
import {
  componentOfPackage,
  diffSboms,
  packageComponentsOf,
  readSbomDocument,
  SBOM_FORMATS,
  writeSbom,
  type SbomDocument,
} from "@pratique/sbom";
import { ComponentType } from "@cyclonedx/cyclonedx-library/Enums";
import { Bom, Component } from "@cyclonedx/cyclonedx-library/Models";
import { JSON as CycloneJson, JsonSerializer } from "@cyclonedx/cyclonedx-library/Serialize";
import { Spec1dot6 } from "@cyclonedx/cyclonedx-library/Spec";
import { median, printTable } from "./measure.ts";

const PACKAGES = 10_000;
const ROUNDS = 7;
const LIMIT_MS = 1000;
const LICENCES = ["MIT", "Apache-2.0", "BSD-3-Clause", "GPL-2+ and MIT", "ISC", "own words"];

const purlOf = (at: number): string => `pkg:npm/package-${at}@1.${at}.0`;
const packages = Array.from({ length: PACKAGES }, (_, at): PackageComponent => ({
  type: "npm",
  name: `package-${at}`,
  version: `1.${at}.0`,
  purl: purlOf(at),
  licences: [LICENCES[at % LICENCES.length]!],
  locations: [`app/node_modules/package-${at}/package.json`],
  layer: `sha256:${"a".repeat(64)}`,
  dependsOn: [purlOf((at * 7) % PACKAGES)],
}));
const document: SbomDocument = {
  subject: { name: "bench/image", digest: `sha256:${"b".repeat(64)}`, kind: "image" },
  components: packages.map(componentOfPackage),
};

function cpuMs(act: () => void): number {
  const samples = Array.from({ length: ROUNDS }, () => {
    const begun = process.cpuUsage();
    act();
    const { user, system } = process.cpuUsage(begun);
    return (user + system) / 1000;
  });
  return median(samples);
}

let slowest = 0;
const rows = SBOM_FORMATS.map((format) => {
  const text = JSON.stringify(writeSbom(document, format));
  const write = cpuMs(() => void JSON.stringify(writeSbom(document, format)));
  const read = cpuMs(() => void packageComponentsOf(readSbomDocument(Buffer.from(text))));
  slowest = Math.max(slowest, write);
  return [format, write, read, `${(text.length / 1_000_000).toFixed(1)} MB`];
});
const library = cpuMs(() => {
  const bom = new Bom();
  for (const { name, version } of packages) bom.components.add(new Component(ComponentType.Library, name, { version }));
  new JsonSerializer(new CycloneJson.Normalize.Factory(Spec1dot6)).serialize(bom, { sortLists: true });
});
const changed = { ...document, components: document.components.slice(1) };
const diff = cpuMs(() => void diffSboms(document, changed, () => undefined));
printTable(
  `${PACKAGES} components (CPU ms, median of ${ROUNDS})`,
  ["format", "write", "read", "size"],
  [
    ...rows,
    ["CycloneDX library, names and versions only", library, "–", "–"],
    ["diff of two documents", diff, "–", "–"],
  ],
);
if (slowest > LIMIT_MS) {
  console.error(`writing took more than ${LIMIT_MS} ms`);
  process.exitCode = 1;
}
