// SPDX 3.0.1 JSON-LD with the software, simple licensing, AI and dataset profiles.
import type { JsonObject } from "@pratique/core";
import { sortComponents } from "../component-order.ts";
import { propertiesOf } from "../component-properties.ts";
import { uuidOf } from "../content-uuid.ts";
import { LicenceNormaliser } from "../licences/normalise-licence.ts";
import { propertiesOfModel } from "../model-properties.ts";
import { ociPurl } from "../purl.ts";
import {
  KIND_PROPERTY,
  SUBJECT_TYPES,
  TOOL_NAME,
  UNREAD_PROPERTY,
  type ComponentType,
  type ModelCard,
  type ModelOrigin,
  type SbomComponent,
  type SbomDocument,
  type SbomProperty,
} from "../sbom-document.ts";
import { fullName, spdxTime, TYPE_PROPERTY } from "./write-spdx.ts";

export const SPDX3_CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld";
const CREATION = "_:creation";

const PURPOSES: Readonly<Record<ComponentType, string>> = {
  application: "application",
  framework: "framework",
  library: "library",
  container: "container",
  platform: "platform",
  "operating-system": "operatingSystem",
  device: "device",
  "device-driver": "deviceDriver",
  firmware: "firmware",
  file: "file",
  "machine-learning-model": "model",
  data: "data",
  "cryptographic-asset": "other",
};

const HASH_NAMES: ReadonlyMap<string, string> = new Map([
  ["md5", "md5"],
  ["sha1", "sha1"],
  ["sha224", "sha224"],
  ["sha256", "sha256"],
  ["sha384", "sha384"],
  ["sha512", "sha512"],
  ["sha3256", "sha3_256"],
  ["sha3384", "sha3_384"],
  ["sha3512", "sha3_512"],
  ["blake2b256", "blake2b256"],
  ["blake2b384", "blake2b384"],
  ["blake2b512", "blake2b512"],
  ["blake3", "blake3"],
]);

/** A document as SPDX 3.0.1: equal documents make equal objects, in the order in which they are written. */
export function spdx3Of(document: SbomDocument): JsonObject {
  const components = sortComponents(document.components);
  // Every name in it begins with a hash of all the rest: written once without, and then with it.
  const uuid = uuidOf(JSON.stringify(graphOf(document, components, "urn:content")));
  return graphOf(document, components, `https://pratique.dev/spdx/${uuid}`);
}

function graphOf(document: SbomDocument, components: readonly SbomComponent[], base: string): JsonObject {
  const { subject } = document;
  const root: SbomComponent = {
    ...subject,
    type: subject.type ?? SUBJECT_TYPES[subject.kind ?? "image"],
    version: subject.version ?? subject.digest,
    purl: subject.purl ?? (subject.digest === undefined ? undefined : ociPurl(subject.name, subject.digest)),
  };
  const notes: SbomProperty[] = [
    ...(subject.kind === undefined ? [] : [{ name: KIND_PROPERTY, value: subject.kind }]),
    ...(document.unread ?? []).map(({ path, reason }) => ({ name: UNREAD_PROPERTY, value: `${path}: ${reason}` })),
  ];
  const graph = new Graph(base, spdxTime(document.created));
  const rootId = graph.package(root, "subject");
  const ids = components.map((component, at) => graph.package(component, `package-${at}`));
  const byPurl = new Map<string, string>();
  for (const [at, { purl }] of components.entries()) {
    if (purl !== undefined && !byPurl.has(purl)) byPurl.set(purl, ids[at]!);
  }
  if (ids.length > 0) graph.relation(rootId, "contains", ids);
  for (const [at, { dependsOn = [] }] of components.entries()) {
    const known = [...new Set(dependsOn.flatMap((purl) => byPurl.get(purl) ?? []))].sort();
    if (known.length > 0) graph.relation(ids[at]!, "dependsOn", known);
  }
  return graph.finish(subject.name, rootId, notes);
}

class Graph {
  readonly #base: string;
  readonly #created: string;
  readonly #elements: JsonObject[] = [];
  readonly #licences = new LicenceNormaliser();
  readonly #licenceIds = new Map<string, string>();
  readonly #suppliers = new Map<string, string>();
  readonly #references = new Map<string, string>();
  #relations = 0;
  #origins = 0;
  #hasModel = false;
  #hasDataset = false;

  constructor(base: string, created: string) {
    this.#base = base;
    this.#created = created;
  }

  package(component: SbomComponent, name: string): string {
    const { type, version, description, supplier, purl, hashes, source, model } = component;
    const isModel = type === "machine-learning-model";
    const spdxId = this.#id(name);
    const verifiedUsing = Object.entries(hashes ?? {}).flatMap(([key, hashValue]) => {
      const algorithm = HASH_NAMES.get(key);
      return algorithm === undefined ? [] : [{ type: "Hash", algorithm, hashValue }];
    });
    const notes: SbomProperty[] = [
      ...(type === "cryptographic-asset" ? [{ name: TYPE_PROPERTY, value: type }] : []),
      ...(isModel && model !== undefined ? propertiesOfModel(model) : []),
      ...propertiesOf({ ...component, source: undefined }, true),
    ];
    this.#elements.push({
      type: isModel ? "ai_AIPackage" : "software_Package",
      spdxId,
      creationInfo: CREATION,
      name: fullName(component),
      ...(description === undefined ? {} : { description }),
      ...(verifiedUsing.length === 0
        ? {}
        : { verifiedUsing: verifiedUsing.sort((a, b) => (a.algorithm < b.algorithm ? -1 : 1)) }),
      ...(notes.length === 0 ? {} : { extension: [extension(notes)] }),
      // The AI profile asks who supplied a model and when (AIPackage, external properties restrictions).
      ...(supplier !== undefined && supplier !== "" ? { suppliedBy: this.#agent(supplier) } : {}),
      ...(isModel && (supplier === undefined || supplier === "") ? { suppliedBy: this.#agent("NOASSERTION") } : {}),
      ...(isModel ? { releaseTime: this.#created } : {}),
      software_primaryPurpose: PURPOSES[type],
      ...(version === undefined
        ? isModel
          ? { software_packageVersion: "NOASSERTION" }
          : {}
        : { software_packageVersion: version }),
      ...(purl === undefined ? {} : { software_packageUrl: purl }),
      ...(isModel ? { software_downloadLocation: purl ?? `${this.#base}#subject` } : {}),
      ...(source === undefined ? {} : { software_sourceInfo: `built package from: ${source.name} ${source.version}` }),
      ...(isModel && model !== undefined ? aiFields(model) : {}),
    });
    const declared = this.#licences.all(component.licences ?? []);
    if (declared !== undefined) {
      for (const [reference, words] of declared.references) this.#references.set(reference, words);
      this.relation(spdxId, "hasDeclaredLicense", [this.#licence(declared.expression)]);
    }
    if (isModel) {
      this.#hasModel = true;
      const bases = (model?.baseModels ?? []).map((one) => this.#origin(one, false));
      if (bases.length > 0) this.relation(spdxId, "descendantOf", bases);
      const datasets = (model?.datasets ?? []).map((one) => this.#origin(one, true));
      if (datasets.length > 0) this.relation(spdxId, "trainedOn", datasets);
    }
    return spdxId;
  }

  relation(from: string, relationshipType: string, to: readonly string[]): void {
    this.#elements.push({
      type: "Relationship",
      spdxId: this.#id(`relationship-${this.#relations++}`),
      creationInfo: CREATION,
      from,
      relationshipType,
      to,
    });
  }

  finish(name: string, root: string, notes: readonly SbomProperty[]): JsonObject {
    for (const [reference, words] of [...this.#references].sort(([a], [b]) => (a < b ? -1 : 1))) {
      this.#elements.push({
        type: "simplelicensing_SimpleLicensingText",
        spdxId: this.#id(reference),
        creationInfo: CREATION,
        name: reference,
        simplelicensing_licenseText: words,
      });
    }
    const agent = this.#id("agent");
    const tool = this.#id("tool");
    const sbom = this.#id("sbom");
    const profiles = [
      "core",
      "software",
      "simpleLicensing",
      ...(this.#hasModel ? ["ai"] : []),
      ...(this.#hasDataset ? ["dataset"] : []),
    ];
    const element = [
      agent,
      tool,
      ...this.#elements.flatMap(({ spdxId }) => (typeof spdxId === "string" ? [spdxId] : [])),
    ];
    const graph: JsonObject[] = [
      {
        type: "CreationInfo",
        "@id": CREATION,
        specVersion: "3.0.1",
        created: this.#created,
        createdBy: [agent],
        createdUsing: [tool],
      },
      { type: "SoftwareAgent", spdxId: agent, creationInfo: CREATION, name: TOOL_NAME },
      { type: "Tool", spdxId: tool, creationInfo: CREATION, name: TOOL_NAME },
      {
        type: "SpdxDocument",
        spdxId: this.#id("document"),
        creationInfo: CREATION,
        name,
        ...(notes.length === 0 ? {} : { extension: [extension(notes)] }),
        profileConformance: profiles,
        rootElement: [sbom],
        element: [sbom, ...element],
      },
      {
        type: "software_Sbom",
        spdxId: sbom,
        creationInfo: CREATION,
        profileConformance: profiles,
        rootElement: [root],
        element,
        software_sbomType: ["analyzed"],
      },
      ...this.#elements,
    ];
    return { "@context": SPDX3_CONTEXT, "@graph": graph };
  }

  #id(name: string): string {
    return `${this.#base}#${encodeURIComponent(name)}`;
  }

  #licence(expression: string): string {
    const known = this.#licenceIds.get(expression);
    if (known !== undefined) return known;
    const spdxId = this.#id(`licence-${this.#licenceIds.size}`);
    this.#licenceIds.set(expression, spdxId);
    const custom = [...new Set([...expression.matchAll(/LicenseRef-[A-Za-z0-9.-]+/g)].map(([reference]) => reference))];
    this.#elements.push({
      type: "simplelicensing_LicenseExpression",
      spdxId,
      creationInfo: CREATION,
      simplelicensing_licenseExpression: expression,
      ...(custom.length === 0
        ? {}
        : {
            simplelicensing_customIdToUri: custom.map((key) => ({
              type: "DictionaryEntry",
              key,
              value: this.#id(key),
            })),
          }),
    });
    return spdxId;
  }

  #agent(name: string): string {
    const known = this.#suppliers.get(name);
    if (known !== undefined) return known;
    const spdxId = this.#id(`supplier-${this.#suppliers.size}`);
    this.#suppliers.set(name, spdxId);
    this.#elements.push({
      type: name === "NOASSERTION" ? "Agent" : "Organization",
      spdxId,
      creationInfo: CREATION,
      name,
    });
    return spdxId;
  }

  /** A model or data set that is not in the artifact. */
  #origin({ name, purl, url, licences }: ModelOrigin, isDataset: boolean): string {
    const spdxId = this.#id(`origin-${this.#origins++}`);
    if (isDataset) this.#hasDataset = true;
    const place = isUri(url) ? url : isUri(purl) ? purl : `${this.#base}#origin`;
    this.#elements.push({
      type: isDataset ? "dataset_DatasetPackage" : "ai_AIPackage",
      spdxId,
      creationInfo: CREATION,
      name,
      suppliedBy: this.#agent("NOASSERTION"),
      releaseTime: this.#created,
      // The dataset profile asks for both; nobody says them, so they are those of what was made from it.
      ...(isDataset ? { builtTime: this.#created, originatedBy: [this.#agent("NOASSERTION")] } : {}),
      software_primaryPurpose: isDataset ? "data" : "model",
      software_packageVersion: "NOASSERTION",
      software_downloadLocation: place,
      ...(isUri(purl) ? { software_packageUrl: purl } : {}),
      ...(isDataset ? { dataset_datasetType: ["noAssertion"] } : {}),
    });
    const declared = this.#licences.all(licences ?? []);
    if (declared !== undefined) {
      for (const [reference, words] of declared.references) this.#references.set(reference, words);
      this.relation(spdxId, "hasDeclaredLicense", [this.#licence(declared.expression)]);
    }
    return spdxId;
  }
}

function extension(notes: readonly SbomProperty[]): JsonObject {
  return {
    type: "extension_CdxPropertiesExtension",
    extension_cdxProperty: notes.map(({ name, value }) => ({
      type: "extension_CdxPropertyEntry",
      extension_cdxPropName: name,
      extension_cdxPropValue: value,
    })),
  };
}

function aiFields(model: ModelCard): JsonObject {
  const { task, family, architecture, limitations, useCases } = model;
  const types = [...new Set([family, architecture].filter((one) => one !== undefined))];
  const numbers = (["parameters", "quantization", "precision", "contextLength", "format"] as const).flatMap((key) => {
    const value = model[key];
    return value === undefined ? [] : [{ type: "DictionaryEntry", key, value: String(value) }];
  });
  return {
    ...(task === undefined ? {} : { ai_domain: [task] }),
    ...(numbers.length === 0 ? {} : { ai_hyperparameter: numbers }),
    ...(useCases === undefined ? {} : { ai_informationAboutApplication: useCases.join("\n") }),
    ...(limitations === undefined ? {} : { ai_limitation: limitations.join("\n") }),
    ...(types.length === 0 ? {} : { ai_typeOfModel: types }),
  };
}

function isUri(text: string | undefined): text is string {
  return text !== undefined && /^[A-Za-z][A-Za-z0-9+.-]*:\S+$/.test(text);
}
