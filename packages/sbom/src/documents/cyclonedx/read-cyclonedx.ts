// CycloneDX 1.3 to 1.7 JSON as any tool writes it → a document.
import { Kind } from "@pratique/contracts";
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import { factsOfProperties } from "../component-properties.ts";
import { sbomErrors } from "../../errors.ts";
import { defined, listAt, listOrNone, objectAt, objectsAt, textAt, timeAt } from "../json-at.ts";
import { hashKey } from "../package-component.ts";
import { digestOfSubject } from "../purl.ts";
import {
  COMPONENT_TYPES,
  KIND_PROPERTY,
  UNREAD_PROPERTY,
  type ComponentType,
  type ReadSbom,
  type SbomComponent,
  type SbomProperty,
  type SbomSubject,
  type UnreadPart,
} from "../sbom-document.ts";
import { readModelCard } from "./model-card.ts";

const VERSIONS: readonly string[] = ["1.3", "1.4", "1.5", "1.6", "1.7"];
const LIMIT_COMPONENTS = 500_000;
const DEPTH_LIMIT = 16;

/** Half a bill of materials is none. @throws `sbom.malformed`, `sbom.version-unknown` */
export function readCycloneDx(bom: JsonObject): ReadSbom {
  const version = textAt(bom, "specVersion") ?? "";
  if (!VERSIONS.includes(version)) {
    throw sbomErrors("sbom.version-unknown", { format: "CycloneDX", version: version.slice(0, 32) });
  }
  if ("components" in bom && bom["components"] !== undefined && !Array.isArray(bom["components"])) {
    throw malformed("components", "it is no list");
  }
  const metadata = objectAt(bom, "metadata");
  const purls = new Map<string, string>();
  const references: (string | undefined)[] = [];
  const components: SbomComponent[] = [];
  const add = (items: readonly Json[], path: string, depth: number): void => {
    if (items.length > 0 && depth === 0) throw malformed(path, `it is nested more than ${DEPTH_LIMIT} deep`);
    for (const [at, item] of items.entries()) {
      if (components.length >= LIMIT_COMPONENTS)
        throw malformed(path, `it has more than ${LIMIT_COMPONENTS} components`);
      const here = `${path}[${at}]`;
      const component = readComponent(item, here);
      const reference = textAt(isJsonObject(item) ? item : undefined, "bom-ref");
      if (reference !== undefined && component.purl !== undefined) purls.set(reference, component.purl);
      references.push(reference);
      components.push(component);
      if (isJsonObject(item) && "components" in item) add(nested(item, here), `${here}.components`, depth - 1);
    }
  };
  add(listAt(bom, "components"), "components", DEPTH_LIMIT);
  const root = objectAt(metadata, "component");
  const subject: SbomSubject = root === undefined ? { name: "unknown" } : readComponent(root, "metadata.component");
  if (root !== undefined) add(nested(root, "metadata.component"), "metadata.component.components", DEPTH_LIMIT);
  const named = readProperties(metadata);
  const kind = Kind.safeParse(named.find(({ name }) => name === KIND_PROPERTY)?.value);
  return {
    format: `CycloneDX ${version}`,
    tools: toolsOf(metadata),
    subject: {
      ...subject,
      ...defined({
        kind: kind.success ? kind.data : undefined,
        digest: digestOfSubject(subject),
      }),
    },
    components: withDependencies(components, references, objectsAt(bom, "dependencies"), purls),
    ...defined({ created: timeAt(metadata, "timestamp"), unread: listOrNone(unreadOf(named)) }),
  };
}

function nested(component: JsonObject, path: string): readonly Json[] {
  const { components } = component;
  if (components === undefined || Array.isArray(components)) return components ?? [];
  throw malformed(`${path}.components`, "it is no list");
}

function readComponent(item: Json, path: string): SbomComponent {
  const name = textAt(item, "name");
  const type = textAt(item, "type");
  if (!isJsonObject(item) || name === undefined || type === undefined) {
    throw malformed(path, "a component has a name and a type");
  }
  const version = textAt(item, "version");
  const model = type === "machine-learning-model" ? readModelCard(item) : undefined;
  const facts = factsOfProperties(readProperties(item));
  const occurrences = objectsAt(objectAt(item, "evidence"), "occurrences");
  const locations = occurrences.flatMap((one) => textAt(one, "location") ?? []).map((one) => one.replace(/^\/+/, ""));
  return {
    ...facts,
    type: typeOf(type),
    name,
    ...defined({
      namespace: textAt(item, "group") || undefined,
      version: version === "" ? undefined : version,
      description: textAt(item, "description"),
      purl: textAt(item, "purl"),
      supplier: textAt(objectAt(item, "supplier"), "name") ?? textAt(item, "publisher"),
      licences: listOrNone(licencesIn(item)),
      hashes: hashesIn(item),
      scope: facts.scope ?? (textAt(item, "scope") === "excluded" ? ("development" as const) : undefined),
      locations: locations.length === 0 ? facts.locations : [...new Set(locations)],
      model,
    }),
  };
}

function typeOf(text: string): ComponentType {
  return COMPONENT_TYPES.find((type) => type === text) ?? "library";
}

/** Ids, expressions and names, as they stand there. */
function licencesIn(item: JsonObject): string[] {
  return objectsAt(item, "licenses").flatMap((choice) => {
    const licence = objectAt(choice, "license");
    return textAt(choice, "expression") ?? textAt(licence, "id") ?? textAt(licence, "name") ?? [];
  });
}

function hashesIn(item: JsonObject): Record<string, string> | undefined {
  const list = objectsAt(item, "hashes").flatMap((hash): [string, string][] => {
    const algorithm = textAt(hash, "alg");
    const content = textAt(hash, "content");
    return algorithm === undefined || content === undefined ? [] : [[hashKey(algorithm), content.toLowerCase()]];
  });
  return list.length === 0 ? undefined : Object.fromEntries(list);
}

function readProperties(value: JsonObject | undefined): SbomProperty[] {
  return objectsAt(value, "properties").flatMap((one) => {
    const name = textAt(one, "name");
    const text = textAt(one, "value");
    return name === undefined || text === undefined ? [] : [{ name, value: text }];
  });
}

/** Since 1.5 an object of components; before, a list. */
function toolsOf(metadata: JsonObject | undefined): string[] {
  const tools = metadata?.["tools"];
  const list = Array.isArray(tools)
    ? objectsAt(metadata, "tools")
    : objectsAt(objectAt(metadata, "tools"), "components");
  return list.slice(0, 100).flatMap((tool) => {
    const name = textAt(tool, "name");
    const version = textAt(tool, "version");
    return name === undefined ? [] : [version === undefined ? name : `${name} ${version}`];
  });
}

function unreadOf(properties: readonly SbomProperty[]): UnreadPart[] {
  return properties.flatMap(({ name, value }) => {
    if (name !== UNREAD_PROPERTY) return [];
    const at = value.indexOf(": ");
    return [at === -1 ? { path: value, reason: "" } : { path: value.slice(0, at), reason: value.slice(at + 2) }];
  });
}

function withDependencies(
  components: readonly SbomComponent[],
  references: readonly (string | undefined)[],
  dependencies: readonly JsonObject[],
  purls: ReadonlyMap<string, string>,
): SbomComponent[] {
  const needs = new Map<string, string[]>();
  for (const one of dependencies) {
    const reference = textAt(one, "ref");
    if (reference === undefined) continue;
    const list = listAt(one, "dependsOn").flatMap((to) => (typeof to === "string" ? (purls.get(to) ?? []) : []));
    if (list.length > 0) needs.set(reference, list);
  }
  if (needs.size === 0) return [...components];
  return components.map((component, at) => {
    const reference = references[at];
    const dependsOn = reference === undefined ? undefined : needs.get(reference);
    return dependsOn === undefined ? component : { ...component, dependsOn };
  });
}

function malformed(at: string, reason: string): Error {
  return sbomErrors("sbom.malformed", { at, reason });
}
