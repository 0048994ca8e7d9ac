// SPDX 2.3 JSON.
import { type JsonObject } from "@pratique/core";
import { propertiesOf } from "../component-properties.ts";
import { uuidOf } from "../content-uuid.ts";
import { sortComponents } from "../component-order.ts";
import { LicenceNormaliser, type NormalisedLicence } from "../licences/normalise-licence.ts";
import { propertiesOfModel } from "../model-properties.ts";
import { ociPurl } from "../purl.ts";
import {
  KIND_PROPERTY,
  SUBJECT_TYPES,
  TOOL_NAME,
  UNREAD_PROPERTY,
  type ComponentType,
  type SbomComponent,
  type SbomDocument,
  type SbomProperty,
} from "../sbom-document.ts";

/** What stands where the artifact does not say when it was made: SPDX wants a time. */
const EPOCH = "1970-01-01T00:00:00Z";
export const TYPE_PROPERTY = "pratique:type";

const PURPOSES: ReadonlyMap<ComponentType, string> = new Map([
  ["application", "APPLICATION"],
  ["framework", "FRAMEWORK"],
  ["library", "LIBRARY"],
  ["container", "CONTAINER"],
  ["operating-system", "OPERATING_SYSTEM"],
  ["device", "DEVICE"],
  ["firmware", "FIRMWARE"],
  ["file", "FILE"],
]);

const HASH_NAMES: ReadonlyMap<string, string> = new Map([
  ["md5", "MD5"],
  ["sha1", "SHA1"],
  ["sha224", "SHA224"],
  ["sha256", "SHA256"],
  ["sha384", "SHA384"],
  ["sha512", "SHA512"],
  ["sha3256", "SHA3-256"],
  ["sha3384", "SHA3-384"],
  ["sha3512", "SHA3-512"],
  ["blake2b256", "BLAKE2b-256"],
  ["blake2b384", "BLAKE2b-384"],
  ["blake2b512", "BLAKE2b-512"],
  ["blake3", "BLAKE3"],
]);

/** A document as SPDX 2.3: equal documents make equal objects, in the order in which they are written. */
export function spdxOf(document: SbomDocument): JsonObject {
  const { subject } = document;
  const created = spdxTime(document.created);
  const writer = new PackageWriter(created);
  const components = sortComponents(document.components);
  const root = writer.package(
    {
      ...subject,
      type: subject.type ?? SUBJECT_TYPES[subject.kind ?? "image"],
      version: subject.version ?? subject.digest,
      purl: subject.purl ?? (subject.digest === undefined ? undefined : ociPurl(subject.name, subject.digest)),
    },
    "SPDXRef-Subject",
  );
  const packages = components.map((component, at) => writer.package(component, `SPDXRef-Package-${at}`));
  const notes = [
    ...(subject.kind === undefined ? [] : [{ name: KIND_PROPERTY, value: subject.kind }]),
    ...(document.unread ?? []).map(({ path, reason }) => ({ name: UNREAD_PROPERTY, value: `${path}: ${reason}` })),
  ];
  const content: JsonObject = {
    packages: [root, ...packages],
    ...(writer.references.size === 0
      ? {}
      : {
          hasExtractedLicensingInfos: [...writer.references]
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([licenseId, words]) => ({ licenseId, extractedText: words, name: words.slice(0, 200) })),
        }),
    relationships: relationshipsOf(components),
  };
  const uuid = uuidOf(JSON.stringify([created, content]));
  return {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: subject.name,
    documentNamespace: `https://pratique.dev/spdx/${encodeURI(subject.name).replace(/[#?]/g, "-")}-${uuid}`,
    creationInfo: { created, creators: [`Tool: ${TOOL_NAME}`] },
    ...(notes.length === 0 ? {} : { annotations: notes.map((note) => annotation(note, created)) }),
    ...content,
  };
}

/** SPDX takes seconds only. */
export function spdxTime(created: string | undefined): string {
  const time = created === undefined ? Number.NaN : Date.parse(created);
  return Number.isNaN(time) ? EPOCH : new Date(time).toISOString().replace(/\.\d{3}Z$/, "Z");
}

/** Maven calls it `group:artifact`, everybody else `namespace/name`, and distributions by the name alone. */
export function fullName({ namespace, name, purl = "" }: Pick<SbomComponent, "namespace" | "name" | "purl">): string {
  if (namespace === undefined || namespace === "" || /^pkg:(?:deb|apk|rpm|alpm)\//.test(purl)) return name;
  return purl.startsWith("pkg:maven/") ? `${namespace}:${name}` : `${namespace}/${name}`;
}

class PackageWriter {
  /** `LicenseRef-…` by the words it stands for. */
  readonly references = new Map<string, string>();
  readonly #created: string;
  readonly #licences = new LicenceNormaliser();

  constructor(created: string) {
    this.#created = created;
  }

  package(component: SbomComponent, id: string): JsonObject {
    const { type, version, description, supplier, purl, hashes, source } = component;
    const purpose = PURPOSES.get(type);
    const declared = this.#licence(this.#licences.all(component.licences ?? []));
    const { source: _source, ...withoutSource } = component;
    const notes: SbomProperty[] = [
      ...(purpose === undefined ? [{ name: TYPE_PROPERTY, value: type }] : []),
      ...(component.model === undefined ? [] : propertiesOfModel(component.model)),
      ...propertiesOf(withoutSource, true),
    ];
    const checksums = Object.entries(hashes ?? {}).flatMap(([key, checksumValue]) => {
      const algorithm = HASH_NAMES.get(key);
      return algorithm === undefined ? [] : [{ algorithm, checksumValue }];
    });
    return {
      SPDXID: id,
      name: fullName(component),
      ...(version === undefined ? {} : { versionInfo: version }),
      downloadLocation: "NOASSERTION",
      filesAnalyzed: false,
      ...(supplier === undefined || supplier === "" ? {} : { supplier: `Organization: ${supplier}` }),
      ...(checksums.length === 0 ? {} : { checksums: checksums.sort((a, b) => (a.algorithm < b.algorithm ? -1 : 1)) }),
      ...(source === undefined ? {} : { sourceInfo: `built package from: ${source.name} ${source.version}` }),
      licenseConcluded: "NOASSERTION",
      licenseDeclared: declared,
      copyrightText: "NOASSERTION",
      ...(description === undefined ? {} : { description }),
      primaryPackagePurpose: purpose ?? "OTHER",
      ...(purl === undefined
        ? {}
        : {
            externalRefs: [{ referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: purl }],
          }),
      ...(notes.length === 0 ? {} : { annotations: notes.map((note) => annotation(note, this.#created)) }),
    };
  }

  #licence(licence: NormalisedLicence | undefined): string {
    if (licence === undefined) return "NOASSERTION";
    for (const [reference, words] of licence.references) this.references.set(reference, words);
    // A reference that nobody explains is none.
    for (const [reference] of licence.expression.matchAll(/LicenseRef-[A-Za-z0-9.-]+/g)) {
      if (!this.references.has(reference)) this.references.set(reference, reference);
    }
    return licence.expression;
  }
}

function annotation({ name, value }: SbomProperty, created: string): JsonObject {
  return {
    annotationDate: created,
    annotationType: "OTHER",
    annotator: `Tool: ${TOOL_NAME}`,
    comment: `${name}=${value}`,
  };
}

function relationshipsOf(components: readonly SbomComponent[]): JsonObject[] {
  const relation = (spdxElementId: string, relationshipType: string, relatedSpdxElement: string): JsonObject => ({
    spdxElementId,
    relationshipType,
    relatedSpdxElement,
  });
  const byPurl = new Map<string, number>();
  for (const [at, { purl }] of components.entries()) if (purl !== undefined && !byPurl.has(purl)) byPurl.set(purl, at);
  return [
    relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Subject"),
    ...components.map((_, at) => relation("SPDXRef-Subject", "CONTAINS", `SPDXRef-Package-${at}`)),
    ...components.flatMap(({ dependsOn = [] }, at) => {
      const known = [...new Set(dependsOn.flatMap((purl) => byPurl.get(purl) ?? []))].sort((a, b) => a - b);
      return known.map((to) => relation(`SPDXRef-Package-${at}`, "DEPENDS_ON", `SPDXRef-Package-${to}`));
    }),
  ];
}
