// CycloneDX 1.6 and 1.7 JSON, as plain objects: the official library has no model cards, and is no faster with names alone.
import type { JsonObject } from "@pratique/core";
import { propertiesOf } from "../component-properties.ts";
import { sortComponents } from "../component-order.ts";
import { uuidOf } from "../content-uuid.ts";
import { isPlainId, LicenceNormaliser } from "../licences/normalise-licence.ts";
import { ociPurl } from "../purl.ts";
import {
  KIND_PROPERTY,
  SUBJECT_TYPES,
  TOOL_NAME,
  UNREAD_PROPERTY,
  type SbomComponent,
  type SbomDocument,
} from "../sbom-document.ts";
import { modelCardJson, pedigreeJson } from "./model-card.ts";

export type CycloneDxVersion = "1.6" | "1.7";

const HASH_NAMES: ReadonlyMap<string, string> = new Map([
  ["md5", "MD5"],
  ["sha1", "SHA-1"],
  ["sha256", "SHA-256"],
  ["sha384", "SHA-384"],
  ["sha512", "SHA-512"],
  ["sha3256", "SHA3-256"],
  ["sha3384", "SHA3-384"],
  ["sha3512", "SHA3-512"],
  ["blake2b256", "BLAKE2b-256"],
  ["blake2b384", "BLAKE2b-384"],
  ["blake2b512", "BLAKE2b-512"],
  ["blake3", "BLAKE3"],
]);
/** CycloneDX takes hashes of these lengths only. */
const HASH_VALUE = /^(?:[a-fA-F0-9]{32}|[a-fA-F0-9]{40}|[a-fA-F0-9]{64}|[a-fA-F0-9]{96}|[a-fA-F0-9]{128})$/;

/** A document as CycloneDX: equal documents make equal objects, in the order in which they are written. */
export function cycloneDxOf(document: SbomDocument, version: CycloneDxVersion): JsonObject {
  const { subject, created } = document;
  const licences = new LicenceNormaliser();
  const components = sortComponents(document.components);
  const references = referencesOf(components);
  const root = componentJson(
    {
      ...subject,
      type: subject.type ?? SUBJECT_TYPES[subject.kind ?? "image"],
      version: subject.version ?? subject.digest,
      purl: subject.purl ?? (subject.digest === undefined ? undefined : ociPurl(subject.name, subject.digest)),
    },
    "subject",
    licences,
  );
  const listed = components.map((component, at) => componentJson(component, references.names[at]!, licences));
  const unread = (document.unread ?? []).map(({ path, reason }) => ({
    name: UNREAD_PROPERTY,
    value: `${path}: ${reason}`,
  }));
  const kind = subject.kind === undefined ? [] : [{ name: KIND_PROPERTY, value: subject.kind }];
  const content: JsonObject = {
    metadata: {
      ...(created === undefined ? {} : { timestamp: created }),
      tools: { components: [{ type: "application", name: TOOL_NAME }] },
      component: root,
      ...(kind.length + unread.length === 0 ? {} : { properties: [...kind, ...unread] }),
    },
    components: listed,
    dependencies: dependenciesJson(components, references),
    ...(unread.length === 0 ? {} : { compositions: [{ aggregate: "incomplete", assemblies: ["subject"] }] }),
  };
  return {
    $schema: `http://cyclonedx.org/schema/bom-${version}.schema.json`,
    bomFormat: "CycloneDX",
    specVersion: version,
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify(content))}`,
    version: 1,
    ...content,
  };
}

interface References {
  /** One a component. */
  readonly names: readonly string[];
  readonly byPurl: ReadonlyMap<string, string>;
}

/** `bom-ref`s: the purl where only one component has it. */
function referencesOf(components: readonly SbomComponent[]): References {
  const byPurl = new Map<string, string>();
  const used = new Set<string>(["subject"]);
  const names = components.map(({ purl, name }, at) => {
    const wanted = purl ?? `${name.slice(0, 200)}#${at}`;
    const reference = wanted === "" || used.has(wanted) ? `component-${at}` : wanted;
    used.add(reference);
    if (purl !== undefined && !byPurl.has(purl)) byPurl.set(purl, reference);
    return reference;
  });
  return { names, byPurl };
}

function dependenciesJson(components: readonly SbomComponent[], { names, byPurl }: References): JsonObject[] {
  const list: JsonObject[] = [{ ref: "subject", ...(names.length === 0 ? {} : { dependsOn: [...new Set(names)] }) }];
  for (const [at, { dependsOn }] of components.entries()) {
    if (dependsOn === undefined || dependsOn.length === 0) continue;
    const known = dependsOn.flatMap((purl) => byPurl.get(purl) ?? []);
    if (known.length > 0) list.push({ ref: names[at]!, dependsOn: [...new Set(known)].sort() });
  }
  return list;
}

function componentJson(component: SbomComponent, reference: string, licences: LicenceNormaliser): JsonObject {
  const { type, namespace, name, version, description, supplier, scope, purl, locations, hashes, model } = component;
  const properties = propertiesOf(component, false);
  const isModel = type === "machine-learning-model" && model !== undefined;
  return {
    type,
    "bom-ref": reference,
    ...(supplier === undefined || supplier === "" ? {} : { supplier: { name: supplier } }),
    ...(namespace === undefined || namespace === "" ? {} : { group: namespace }),
    name,
    ...(version === undefined ? {} : { version }),
    ...(description === undefined ? {} : { description }),
    ...(scope === "development" ? { scope: "optional" } : {}),
    ...(hashes === undefined ? {} : hashesJson(hashes)),
    ...licencesJson(component.licences, licences),
    ...(purl === undefined ? {} : { purl }),
    ...(isModel ? pedigreeJson(model) : {}),
    ...(properties.length === 0
      ? {}
      : { properties: properties.map(({ name: key, value }) => ({ name: key, value })) }),
    ...(locations === undefined || locations.length === 0
      ? {}
      : { evidence: { occurrences: [...new Set(locations)].map((location) => ({ location })) } }),
    ...(isModel ? { modelCard: modelCardJson(model) } : {}),
  };
}

function hashesJson(hashes: Readonly<Record<string, string>>): JsonObject {
  const list = Object.entries(hashes).flatMap(([key, content]) => {
    const alg = HASH_NAMES.get(key);
    return alg !== undefined && HASH_VALUE.test(content) ? [{ alg, content }] : [];
  });
  return list.length === 0 ? {} : { hashes: list.sort((a, b) => (a.alg < b.alg ? -1 : 1)) };
}

/** CycloneDX takes either one expression, or a list of ids and names. */
function licencesJson(declared: readonly string[] | undefined, licences: LicenceNormaliser): JsonObject {
  if (declared === undefined || declared.length === 0) return {};
  const normalised = licences.all(declared);
  if (normalised === undefined) return {};
  const { expression, references } = normalised;
  if (isPlainId(expression)) return { licenses: [{ license: { id: expression } }] };
  // A name says more than a reference that nothing explains.
  const [words] = references.values();
  if (references.size === 1 && words !== undefined && !expression.includes(" ")) {
    return { licenses: [{ license: { name: words } }] };
  }
  if (references.size === 0) return { licenses: [{ expression }] };
  const names = declared.flatMap((text) => licences.of(text) ?? []);
  return {
    licenses: [...new Map(names.map((one) => [one.expression, one])).values()].map((one) => ({
      license: isPlainId(one.expression)
        ? { id: one.expression }
        : {
            name:
              one.references.size === 1 && !one.expression.includes(" ")
                ? [...one.references.values()][0]!
                : one.expression,
          },
    })),
  };
}
