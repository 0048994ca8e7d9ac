// CycloneDX 1.6 bills of materials: of software, and of models with their model card (ML-BOM).
import { ComponentType, HashAlgorithm } from "@cyclonedx/cyclonedx-library/Enums";
import {
  Bom,
  Component,
  HashDictionary,
  LicenseRepository,
  Property,
  PropertyRepository,
} from "@cyclonedx/cyclonedx-library/Models";
import { JSON as CycloneJson, JsonSerializer } from "@cyclonedx/cyclonedx-library/Serialize";
import { Spec1dot6 } from "@cyclonedx/cyclonedx-library/Spec";
import type { Kind } from "@pratique/contracts";
import { canonicalJson, digestOf, hexOf, isJsonObject, parseJson, type Clock, type JsonObject } from "@pratique/core";
import { PackageURL } from "packageurl-js";
import { evidenceErrors } from "./errors.ts";
import { licencesOf } from "./licence.ts";

export interface SbomComponent {
  readonly type: "application" | "library" | "operating-system" | "machine-learning-model" | "file" | "data";
  readonly name: string;
  readonly version?: string;
  readonly purl?: string;
  /** SPDX ids, SPDX expressions or names. */
  readonly licences?: readonly string[];
  readonly hashes?: { readonly sha256?: string };
  readonly properties?: Readonly<Record<string, string>>;
  /** A CycloneDX `modelCard`, on a machine-learning model only. */
  readonly modelCard?: JsonObject;
}

export interface SbomParts {
  readonly subject: { readonly name: string; readonly digest: string; readonly kind: Kind };
  readonly components: readonly SbomComponent[];
  readonly clock: Clock;
  /** A UUID; without one it follows from the content, so that equal content has an equal serial number. */
  readonly serial?: string;
}

const COMPONENT_TYPES: Readonly<Record<SbomComponent["type"], ComponentType>> = {
  application: ComponentType.Application,
  library: ComponentType.Library,
  "operating-system": ComponentType.OperatingSystem,
  "machine-learning-model": ComponentType.MachineLearningModel,
  file: ComponentType.File,
  data: ComponentType.Data,
};

const SUBJECT_TYPES: Readonly<Record<Kind, ComponentType>> = {
  model: ComponentType.MachineLearningModel,
  "mcp-server": ComponentType.Container,
  image: ComponentType.Container,
  agent: ComponentType.Application,
  skill: ComponentType.Data,
  policy: ComponentType.Data,
  catalog: ComponentType.Data,
};

/** The bill of materials of an artifact, as CycloneDX 1.6 JSON. */
export function sbomOf(parts: SbomParts): JsonObject {
  const { subject, components, clock } = parts;
  const serial = parts.serial ?? serialOf(subject.digest, components);
  const bom = new Bom({ serialNumber: serial.startsWith("urn:uuid:") ? serial : `urn:uuid:${serial}` });
  bom.metadata.timestamp = clock.now();
  bom.metadata.tools.components.add(new Component(ComponentType.Application, "pratique"));
  const root = new Component(SUBJECT_TYPES[subject.kind], subject.name, {
    bomRef: "subject",
    version: subject.digest,
    purl: ociPurl(subject.name, subject.digest),
  });
  bom.metadata.component = root;
  const modelCards = new Map<string, JsonObject>();
  for (const [index, part] of components.entries()) {
    const reference = `component-${index}`;
    const component = componentOf(part, reference);
    bom.components.add(component);
    root.dependencies.add(component.bomRef);
    if (part.modelCard !== undefined) modelCards.set(reference, part.modelCard);
  }
  const text = new JsonSerializer(new CycloneJson.Normalize.Factory(Spec1dot6)).serialize(bom, { sortLists: true });
  return withModelCards(text, modelCards);
}

function componentOf(part: SbomComponent, bomRef: string): Component {
  const component = new Component(COMPONENT_TYPES[part.type], part.name, { bomRef });
  if (part.version !== undefined) component.version = part.version;
  if (part.purl !== undefined) component.purl = part.purl;
  if (part.hashes?.sha256 !== undefined) {
    component.hashes = new HashDictionary([[HashAlgorithm["SHA-256"], part.hashes.sha256]]);
  }
  component.licenses = new LicenseRepository(licencesOf(part.licences ?? []));
  const properties = Object.entries(part.properties ?? {});
  component.properties = new PropertyRepository(properties.map(([name, value]) => new Property(name, value)));
  return component;
}

/** The library has no class for model cards: they are put into its output, at the component's `bom-ref`. */
function withModelCards(text: string, modelCards: ReadonlyMap<string, JsonObject>): JsonObject {
  const bom = parseJson(text, "the bill of materials");
  if (!isJsonObject(bom)) throw evidenceErrors("attestation.invalid", { reason: "the bill of materials is no object" });
  if (modelCards.size === 0 || !Array.isArray(bom["components"])) return bom;
  const components = bom["components"].map((component: JsonObject) => {
    const modelCard = modelCards.get(String(component["bom-ref"]));
    return modelCard === undefined ? component : { ...component, modelCard };
  });
  return { ...bom, components };
}

/** `pkg:oci/harbour@sha256:…?repository_url=voyage/harbour` (purl-spec, oci). */
function ociPurl(repository: string, digest: string): string {
  const name = repository.split("/").at(-1) ?? repository;
  return new PackageURL("oci", undefined, name, digest, { repository_url: repository }, undefined).toString();
}

/** A UUID of version 8 (RFC 9562 §5.8) made of a hash: no randomness, so equal builds are equal. */
function serialOf(digest: string, components: readonly SbomComponent[]): string {
  const content = components.map(({ modelCard, licences, hashes, properties, ...rest }) => ({
    ...rest,
    modelCard,
    licences,
    hashes: { ...hashes },
    properties: { ...properties },
  }));
  const bytes = Buffer.from(hexOf(digestOf(canonicalJson([digest, ...content]))), "hex").subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
