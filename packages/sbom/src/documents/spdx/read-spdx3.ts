// SPDX 3.0 JSON-LD as any tool writes it in the form that its JSON schema describes → a document.
import { Kind } from "@pratique/contracts";
import { isJsonObject, type JsonObject } from "@pratique/core";
import { sbomErrors } from "../../errors.ts";
import { factsOfProperties } from "../component-properties.ts";
import { defined, listOrNone, objectsAt, textAt, textsAt, timeAt } from "../json-at.ts";
import { isModelProperty, modelOfProperties } from "../model-properties.ts";
import { hashKey } from "../package-component.ts";
import { digestOfSubject, parsePurl, splitName } from "../purl.ts";
import {
  KIND_PROPERTY,
  UNREAD_PROPERTY,
  type ComponentType,
  type ModelCard,
  type ModelOrigin,
  type ReadSbom,
  type SbomComponent,
  type SbomProperty,
  type SbomSubject,
} from "../sbom-document.ts";

const LIMIT_ELEMENTS = 1_000_000;

const TYPES: ReadonlyMap<string, ComponentType> = new Map([
  ["application", "application"],
  ["framework", "framework"],
  ["library", "library"],
  ["container", "container"],
  ["platform", "platform"],
  ["operatingSystem", "operating-system"],
  ["device", "device"],
  ["deviceDriver", "device-driver"],
  ["firmware", "firmware"],
  ["file", "file"],
  ["model", "machine-learning-model"],
  ["data", "data"],
]);

const PACKAGES: readonly string[] = ["software_Package", "ai_AIPackage", "dataset_DatasetPackage", "software_File"];

/** @throws `sbom.malformed`, `sbom.version-unknown` */
export function readSpdx3(json: JsonObject): ReadSbom {
  const graph = json["@graph"];
  if (!Array.isArray(graph)) throw malformed("@graph", "it is no list");
  if (graph.length > LIMIT_ELEMENTS) throw malformed("@graph", `it has more than ${LIMIT_ELEMENTS} elements`);
  const elements = new Map<string, JsonObject>();
  let created: string | undefined;
  for (const [at, one] of graph.entries()) {
    if (!isJsonObject(one)) throw malformed(`@graph[${at}]`, "it is no object");
    const id = textAt(one, "spdxId") ?? textAt(one, "@id");
    if (id !== undefined) elements.set(id, one);
    if (textAt(one, "type") !== "CreationInfo") continue;
    const version = textAt(one, "specVersion") ?? "";
    if (!/^3\.0(?:\.\d+)?$/.test(version)) {
      throw sbomErrors("sbom.version-unknown", { format: "SPDX", version: version.slice(0, 32) });
    }
    created ??= timeAt(one, "created");
  }
  const reader = new GraphReader(elements);
  const document = [...elements.values()].find((one) => textAt(one, "type") === "SpdxDocument");
  const rootId = reader.root(document);
  const notes = document === undefined ? [] : propertiesIn(document);
  const kind = Kind.safeParse(notes.find(({ name }) => name === KIND_PROPERTY)?.value);
  const subject: SbomSubject = (rootId === undefined ? undefined : reader.component(rootId)) ?? {
    name: textAt(document, "name") ?? "unknown",
  };
  return {
    format: "SPDX 3.0.1",
    tools: [...elements.values()].flatMap((one) => (textAt(one, "type") === "Tool" ? (textAt(one, "name") ?? []) : [])),
    subject: {
      ...subject,
      ...defined({ kind: kind.success ? kind.data : undefined, digest: digestOfSubject(subject) }),
    },
    components: reader.components(rootId),
    ...defined({
      created,
      unread: listOrNone(
        notes.flatMap(({ name, value }) => {
          if (name !== UNREAD_PROPERTY) return [];
          const at = value.indexOf(": ");
          return [at === -1 ? { path: value, reason: "" } : { path: value.slice(0, at), reason: value.slice(at + 2) }];
        }),
      ),
    }),
  };
}

class GraphReader {
  readonly #elements: ReadonlyMap<string, JsonObject>;
  /** By type and origin: where relations point. */
  readonly #relations = new Map<string, Map<string, string[]>>();

  constructor(elements: ReadonlyMap<string, JsonObject>) {
    this.#elements = elements;
    for (const one of elements.values()) {
      const type = textAt(one, "relationshipType");
      const from = textAt(one, "from");
      if (type === undefined || from === undefined) continue;
      const byOrigin = this.#relations.get(type) ?? new Map<string, string[]>();
      this.#relations.set(type, byOrigin);
      const known = byOrigin.get(from);
      if (known === undefined) byOrigin.set(from, textsAt(one, "to"));
      else known.push(...textsAt(one, "to"));
    }
  }

  /** What the document is of: the root of its SBOM, or its own. */
  root(document: JsonObject | undefined): string | undefined {
    let [id, second] = textsAt(document, "rootElement");
    for (let depth = 0; depth < 4 && id !== undefined; depth += 1) {
      const element = this.#elements.get(id);
      if (element === undefined) return undefined;
      if (PACKAGES.includes(textAt(element, "type") ?? "")) return second === undefined ? id : undefined;
      [id, second] = textsAt(element, "rootElement");
    }
    return undefined;
  }

  components(rootId: string | undefined): SbomComponent[] {
    // What a model came from is told by the model, and is not in the artifact.
    const origins = new Set(
      ["descendantOf", "trainedOn", "testedOn"].flatMap((type) =>
        [...(this.#relations.get(type)?.values() ?? [])].flat(),
      ),
    );
    for (const to of this.#relations.get("contains")?.values() ?? []) for (const id of to) origins.delete(id);
    return [...this.#elements.keys()].flatMap((id) =>
      id === rootId || origins.has(id) ? [] : (this.component(id) ?? []),
    );
  }

  component(id: string): SbomComponent | undefined {
    const one = this.#elements.get(id);
    const elementType = textAt(one, "type") ?? "";
    if (one === undefined || !PACKAGES.includes(elementType)) return undefined;
    const name = textAt(one, "name");
    if (name === undefined) throw malformed(id, "a package has a name");
    const properties = propertiesIn(one);
    const facts = factsOfProperties(properties.filter((note) => !isModelProperty(note)));
    const purl = textAt(one, "software_packageUrl") ?? this.#purlAmongIdentifiers(one);
    const parsed = purl === undefined ? undefined : parsePurl(purl);
    const version = textAt(one, "software_packageVersion");
    const supplier = textAt(this.#elements.get(textAt(one, "suppliedBy") ?? ""), "name");
    const isModel = elementType === "ai_AIPackage";
    return {
      ...facts,
      type: isModel ? "machine-learning-model" : typeOf(one, elementType),
      ...splitName(name, parsed),
      ...defined({
        version: version === "" || version === "NOASSERTION" ? undefined : version,
        description: textAt(one, "description"),
        purl,
        supplier: supplier === "NOASSERTION" ? undefined : supplier,
        licences: listOrNone(this.#licencesOf(id)),
        hashes: hashesIn(one),
        source: facts.source ?? sourceOf(textAt(one, "software_sourceInfo")),
        dependsOn: listOrNone(this.#purls("dependsOn", id)),
        model: isModel ? this.#model(one, id, properties) : undefined,
      }),
    };
  }

  #model(one: JsonObject, id: string, properties: readonly SbomProperty[]): ModelCard {
    const own = modelOfProperties(properties);
    if (own !== undefined) return own;
    const entries = new Map(
      objectsAt(one, "ai_hyperparameter").map((entry) => [textAt(entry, "key"), textAt(entry, "value")]),
    );
    return defined({
      task: textsAt(one, "ai_domain")[0],
      family: textsAt(one, "ai_typeOfModel")[0],
      architecture: textsAt(one, "ai_typeOfModel")[1],
      parameters: entries.get("parameters"),
      quantization: entries.get("quantization"),
      precision: entries.get("precision"),
      format: entries.get("format"),
      limitations: listOrNone([textAt(one, "ai_limitation")].filter((text) => text !== undefined)),
      baseModels: listOrNone(this.#origins("descendantOf", id)),
      datasets: listOrNone([...this.#origins("trainedOn", id), ...this.#origins("testedOn", id)]),
    });
  }

  #origins(type: string, id: string): ModelOrigin[] {
    return (this.#relations.get(type)?.get(id) ?? []).flatMap((to) => {
      const element = this.#elements.get(to);
      const name = textAt(element, "name");
      return name === undefined ? [] : [{ name, ...defined({ purl: textAt(element, "software_packageUrl") }) }];
    });
  }

  #purls(type: string, id: string): string[] {
    return (this.#relations.get(type)?.get(id) ?? []).flatMap(
      (to) => textAt(this.#elements.get(to), "software_packageUrl") ?? [],
    );
  }

  #licencesOf(id: string): string[] {
    const declared = this.#relations.get("hasDeclaredLicense")?.get(id);
    const to = declared ?? this.#relations.get("hasConcludedLicense")?.get(id) ?? [];
    return to.flatMap((licence) => {
      const element = this.#elements.get(licence);
      const expression = textAt(element, "simplelicensing_licenseExpression");
      if (expression === undefined || !/^LicenseRef-[A-Za-z0-9.-]+$/.test(expression)) return expression ?? [];
      const entry = objectsAt(element, "simplelicensing_customIdToUri").find(
        (one) => textAt(one, "key") === expression,
      );
      const words = textAt(this.#elements.get(textAt(entry, "value") ?? ""), "simplelicensing_licenseText");
      return words !== undefined && words.length <= 300 ? words : expression;
    });
  }

  #purlAmongIdentifiers(one: JsonObject): string | undefined {
    return objectsAt(one, "externalIdentifier")
      .filter((identifier) => textAt(identifier, "externalIdentifierType") === "packageUrl")
      .flatMap((identifier) => textAt(identifier, "identifier") ?? [])[0];
  }
}

function typeOf(one: JsonObject, elementType: string): ComponentType {
  if (elementType === "software_File") return "file";
  if (elementType === "dataset_DatasetPackage") return "data";
  return TYPES.get(textAt(one, "software_primaryPurpose") ?? "") ?? "library";
}

function hashesIn(one: JsonObject): Record<string, string> | undefined {
  const list = objectsAt(one, "verifiedUsing").flatMap((hash): [string, string][] => {
    const algorithm = textAt(hash, "algorithm");
    const value = textAt(hash, "hashValue");
    return algorithm === undefined || value === undefined ? [] : [[hashKey(algorithm), value.toLowerCase()]];
  });
  return list.length === 0 ? undefined : Object.fromEntries(list);
}

function propertiesIn(one: JsonObject): SbomProperty[] {
  return objectsAt(one, "extension").flatMap((extension) =>
    objectsAt(extension, "extension_cdxProperty").flatMap((entry) => {
      const name = textAt(entry, "extension_cdxPropName");
      const value = textAt(entry, "extension_cdxPropValue");
      return name === undefined || value === undefined ? [] : [{ name, value }];
    }),
  );
}

function sourceOf(info: string | undefined): { name: string; version: string } | undefined {
  const [, name, version] = /^built package from: (\S+) (\S+)$/.exec(info ?? "") ?? [];
  return name === undefined || version === undefined ? undefined : { name, version };
}

function malformed(at: string, reason: string): Error {
  return sbomErrors("sbom.malformed", { at: at.slice(0, 200), reason });
}
