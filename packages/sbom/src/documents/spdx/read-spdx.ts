// SPDX 2.2 and 2.3 as any tool writes it → a document.
import { Kind } from "@pratique/contracts";
import { isJsonObject, type JsonObject } from "@pratique/core";
import { sbomErrors } from "../../errors.ts";
import { factsOfProperties } from "../component-properties.ts";
import { defined, listOrNone, objectAt, objectsAt, textAt, textsAt, timeAt } from "../json-at.ts";
import { isModelProperty, modelOfProperties } from "../model-properties.ts";
import { hashKey } from "../package-component.ts";
import { digestOfSubject, parsePurl, splitName } from "../purl.ts";
import {
  COMPONENT_TYPES,
  KIND_PROPERTY,
  UNREAD_PROPERTY,
  type ComponentType,
  type ReadSbom,
  type SbomComponent,
  type SbomProperty,
  type SbomSubject,
} from "../sbom-document.ts";
import { TYPE_PROPERTY } from "./write-spdx.ts";

const LIMIT_ELEMENTS = 1_000_000;
const LIMIT_WORDS = 300;

const TYPES: ReadonlyMap<string, ComponentType> = new Map([
  ["APPLICATION", "application"],
  ["FRAMEWORK", "framework"],
  ["LIBRARY", "library"],
  ["CONTAINER", "container"],
  ["OPERATING-SYSTEM", "operating-system"],
  ["OPERATING_SYSTEM", "operating-system"],
  ["DEVICE", "device"],
  ["FIRMWARE", "firmware"],
  ["FILE", "file"],
]);

/** @throws `sbom.malformed`, `sbom.version-unknown` */
export function readSpdx(spdx: JsonObject): ReadSbom {
  const version = /^SPDX-(2\.[23])$/.exec(textAt(spdx, "spdxVersion") ?? "")?.[1];
  if (version === undefined) {
    throw sbomErrors("sbom.version-unknown", {
      format: "SPDX",
      version: (textAt(spdx, "spdxVersion") ?? "").slice(0, 32),
    });
  }
  const packages = elementsAt(spdx, "packages");
  const files = elementsAt(spdx, "files");
  const relations = elementsAt(spdx, "relationships").flatMap(relationOf);
  if (packages.length + files.length + relations.length > LIMIT_ELEMENTS) {
    throw malformed("packages", `it has more than ${LIMIT_ELEMENTS} elements`);
  }
  const words = wordsOf(spdx);
  const read = new Map<string, SbomComponent>();
  for (const [at, one] of packages.entries()) {
    const [id, component] = packageOf(one, `packages[${at}]`, words);
    read.set(id, component);
  }
  for (const [at, one] of files.entries()) {
    const [id, component] = fileOf(one, `files[${at}]`, words);
    read.set(id, component);
  }
  const subjectId = subjectOf(spdx, relations, read);
  const notes = propertiesIn(spdx);
  const subject: SbomSubject = (subjectId === undefined ? undefined : read.get(subjectId)) ?? {
    name: textAt(spdx, "name") ?? "unknown",
  };
  const kind = Kind.safeParse(notes.find(({ name }) => name === KIND_PROPERTY)?.value);
  const creation = objectAt(spdx, "creationInfo");
  return {
    format: `SPDX ${version}`,
    tools: textsAt(creation, "creators").flatMap((one) => /^Tool: (.+)$/.exec(one)?.[1] ?? []),
    subject: {
      ...subject,
      ...defined({ kind: kind.success ? kind.data : undefined, digest: digestOfSubject(subject) }),
    },
    components: withDependencies(read, relations, subjectId),
    ...defined({
      created: timeAt(creation, "created"),
      unread: listOrNone(
        notes.flatMap(({ name, value }) => {
          const at = value.indexOf(": ");
          if (name !== UNREAD_PROPERTY) return [];
          return [at === -1 ? { path: value, reason: "" } : { path: value.slice(0, at), reason: value.slice(at + 2) }];
        }),
      ),
    }),
  };
}

function elementsAt(spdx: JsonObject, key: string): JsonObject[] {
  const value = spdx[key];
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw malformed(key, "it is no list");
  return value.map((item, at) => {
    if (!isJsonObject(item)) throw malformed(`${key}[${at}]`, "it is no object");
    return item;
  });
}

type Relation = readonly [from: string, type: string, to: string];

function relationOf(one: JsonObject): Relation[] {
  const [from, type, to] = [
    textAt(one, "spdxElementId"),
    textAt(one, "relationshipType"),
    textAt(one, "relatedSpdxElement"),
  ];
  return from === undefined || type === undefined || to === undefined ? [] : [[from, type, to]];
}

/** What stands behind each `LicenseRef-`. */
function wordsOf(spdx: JsonObject): ReadonlyMap<string, string> {
  return new Map(
    objectsAt(spdx, "hasExtractedLicensingInfos").flatMap((one): [string, string][] => {
      const id = textAt(one, "licenseId");
      const name = textAt(one, "name");
      const text = textAt(one, "extractedText");
      const words = name !== undefined && name !== "NOASSERTION" && name !== "" ? name : text;
      return id === undefined || words === undefined || words.length > LIMIT_WORDS ? [] : [[id, words]];
    }),
  );
}

function packageOf(one: JsonObject, path: string, words: ReadonlyMap<string, string>): [string, SbomComponent] {
  const name = textAt(one, "name");
  const id = textAt(one, "SPDXID");
  if (name === undefined || id === undefined) throw malformed(path, "a package has a name and an SPDXID");
  const purl = objectsAt(one, "externalRefs")
    .filter((reference) => textAt(reference, "referenceType") === "purl")
    .flatMap((reference) => textAt(reference, "referenceLocator") ?? [])[0];
  const parsed = purl === undefined ? undefined : parsePurl(purl);
  const properties = propertiesIn(one);
  const facts = factsOfProperties(properties.filter((note) => note.name !== TYPE_PROPERTY && !isModelProperty(note)));
  const stated = properties.find((note) => note.name === TYPE_PROPERTY)?.value;
  const purpose = textAt(one, "primaryPackagePurpose");
  const type = COMPONENT_TYPES.find((known) => known === stated) ?? TYPES.get(purpose ?? "") ?? "library";
  const version = textAt(one, "versionInfo");
  return [
    id,
    {
      ...facts,
      type,
      ...splitName(name, parsed),
      ...defined({
        version: version === "" || version === "NOASSERTION" ? undefined : version,
        description: textAt(one, "description"),
        purl,
        supplier: person(textAt(one, "supplier")) ?? person(textAt(one, "originator")),
        licences: licenceOf(one, words),
        hashes: hashesOf(one),
        source: facts.source ?? sourceOf(textAt(one, "sourceInfo")),
        locations: facts.locations ?? locationOf(textAt(one, "sourceInfo")),
        model: modelOfProperties(properties),
      }),
    },
  ];
}

function fileOf(one: JsonObject, path: string, words: ReadonlyMap<string, string>): [string, SbomComponent] {
  const name = textAt(one, "fileName");
  const id = textAt(one, "SPDXID");
  if (name === undefined || id === undefined) throw malformed(path, "a file has a fileName and an SPDXID");
  const hashes = hashesOf(one);
  return [
    id,
    { type: "file", name: name.replace(/^(?:\.?\/)+/, ""), ...defined({ hashes, licences: licenceOf(one, words) }) },
  ];
}

/** The element that the document describes, when it is one. */
function subjectOf(
  spdx: JsonObject,
  relations: readonly Relation[],
  read: ReadonlyMap<string, SbomComponent>,
): string | undefined {
  const document = textAt(spdx, "SPDXID") ?? "SPDXRef-DOCUMENT";
  const described = new Set(textsAt(spdx, "documentDescribes"));
  for (const [from, type, to] of relations) {
    if (type === "DESCRIBES" && from === document) described.add(to);
    if (type === "DESCRIBED_BY" && to === document) described.add(from);
  }
  const [only] = described;
  return described.size === 1 && only !== undefined && read.has(only) ? only : undefined;
}

function withDependencies(
  read: ReadonlyMap<string, SbomComponent>,
  relations: readonly Relation[],
  subjectId: string | undefined,
): SbomComponent[] {
  const needs = new Map<string, string[]>();
  const development = new Set<string>();
  const add = (from: string, to: string): void => {
    const purl = read.get(to)?.purl;
    if (purl === undefined || from === subjectId || !read.has(from)) return;
    const list = needs.get(from);
    if (list === undefined) needs.set(from, [purl]);
    else list.push(purl);
  };
  for (const [from, type, to] of relations) {
    if (type === "DEPENDS_ON") add(from, to);
    else if (type === "DEPENDENCY_OF" || type === "RUNTIME_DEPENDENCY_OF") add(to, from);
    else if (type === "DEV_DEPENDENCY_OF") development.add(from);
  }
  return [...read].flatMap(([id, component]) => {
    if (id === subjectId) return [];
    const dependsOn = needs.get(id);
    const scope = component.scope ?? (development.has(id) ? ("development" as const) : undefined);
    return [{ ...component, ...defined({ dependsOn, scope }) }];
  });
}

/** Annotations in the form `name=value`, which is how names and values are written here. */
function propertiesIn(one: JsonObject): SbomProperty[] {
  return objectsAt(one, "annotations").flatMap((note) => {
    const [, name, value] = /^([A-Za-z][\w.:/-]{1,200})=([\s\S]*)$/.exec(textAt(note, "comment") ?? "") ?? [];
    return name === undefined || value === undefined ? [] : [{ name, value }];
  });
}

function licenceOf(one: JsonObject, words: ReadonlyMap<string, string>): string[] | undefined {
  const stated = [textAt(one, "licenseDeclared"), textAt(one, "licenseConcluded")];
  const text = stated.find((licence) => licence !== undefined && licence !== "NOASSERTION" && licence !== "NONE");
  return text === undefined ? undefined : [words.get(text) ?? text];
}

function hashesOf(one: JsonObject): Record<string, string> | undefined {
  const list = objectsAt(one, "checksums").flatMap((checksum): [string, string][] => {
    const algorithm = textAt(checksum, "algorithm");
    const value = textAt(checksum, "checksumValue");
    return algorithm === undefined || value === undefined ? [] : [[hashKey(algorithm), value.toLowerCase()]];
  });
  return list.length === 0 ? undefined : Object.fromEntries(list);
}

/** `Organization: Debian (debian@example.org)` → `Debian`. */
function person(text: string | undefined): string | undefined {
  return /^(?:Organization|Person): (.+?)(?: \([^()]*\))?$/.exec(text ?? "")?.[1];
}

/** Trivy's words, which are ours, too. */
function sourceOf(info: string | undefined): { name: string; version: string } | undefined {
  const [, name, version] = /^built package from: (\S+) (\S+)$/.exec(info ?? "") ?? [];
  return name === undefined || version === undefined ? undefined : { name, version };
}

/** syft's words: `acquired package info from DPKG DB: /var/lib/dpkg/status, /usr/share/…`. */
function locationOf(info: string | undefined): string[] | undefined {
  const list = /^acquired package info from [^:]+: (.+)$/.exec(info ?? "")?.[1];
  return list === undefined ? undefined : list.split(", ").map((path) => path.replace(/^\/+/, ""));
}

function malformed(at: string, reason: string): Error {
  return sbomErrors("sbom.malformed", { at, reason });
}
