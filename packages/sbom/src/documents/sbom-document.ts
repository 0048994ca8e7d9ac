// A bill of materials apart from any format: an artifact, and what it consists of.
import type { Kind, PackageComponent } from "@pratique/contracts";

export const COMPONENT_TYPES = [
  "application",
  "framework",
  "library",
  "container",
  "platform",
  "operating-system",
  "device",
  "device-driver",
  "firmware",
  "file",
  "machine-learning-model",
  "data",
  "cryptographic-asset",
] as const;
/** As CycloneDX 1.6 has them. */
export type ComponentType = (typeof COMPONENT_TYPES)[number];

/** A model or data set that a model was made from. */
export interface ModelOrigin {
  readonly name: string;
  readonly purl?: string | undefined;
  readonly url?: string | undefined;
  /** Of a base model: `finetune`, `quantized`, `adapter`, `merge`. */
  readonly relation?: string | undefined;
  readonly licences?: readonly string[] | undefined;
}

/** What a model card says. Each only when the model itself says it. */
export interface ModelCard {
  readonly task?: string | undefined;
  /** E.g. `transformer`. */
  readonly family?: string | undefined;
  /** E.g. `llama`. */
  readonly architecture?: string | undefined;
  /** Of the weights: `gguf`, `safetensors`. */
  readonly format?: string | undefined;
  /** Number of weights, in decimal. */
  readonly parameters?: string | undefined;
  readonly quantization?: string | undefined;
  readonly precision?: string | undefined;
  /** Tokens. */
  readonly contextLength?: number | undefined;
  readonly baseModels?: readonly ModelOrigin[] | undefined;
  readonly datasets?: readonly ModelOrigin[] | undefined;
  readonly languages?: readonly string[] | undefined;
  readonly inputs?: readonly string[] | undefined;
  readonly outputs?: readonly string[] | undefined;
  readonly useCases?: readonly string[] | undefined;
  readonly limitations?: readonly string[] | undefined;
}

/** One thing in a bill of materials: what is known of a package, and of what is none. */
export interface SbomComponent extends Partial<
  Pick<
    PackageComponent,
    "source" | "distribution" | "locations" | "layer" | "scope" | "fixedVulnerabilities" | "supplier" | "dependsOn"
  >
> {
  readonly type: ComponentType;
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly version?: string | undefined;
  readonly description?: string | undefined;
  readonly purl?: string | undefined;
  /** SPDX ids, SPDX expressions or names. */
  readonly licences?: readonly string[] | undefined;
  /** Lower-case hex by algorithm: `sha256`, `sha512`, `sha1`, `md5`. */
  readonly hashes?: Readonly<Record<string, string>> | undefined;
  /** What formats have no word for; a list says the same name several times. */
  readonly properties?: Readonly<Record<string, string | readonly string[]>> | undefined;
  /** On a machine-learning model only. */
  readonly model?: ModelCard | undefined;
}

export interface SbomProperty {
  readonly name: string;
  readonly value: string;
}

/** The artifact that a bill of materials is of. */
export interface SbomSubject extends Omit<SbomComponent, "type"> {
  /** Repository name, with its registry where that is known. */
  readonly name: string;
  readonly kind?: Kind | undefined;
  readonly digest?: string | undefined;
  readonly type?: ComponentType | undefined;
}

/** Part of an artifact that could not be read, and why. */
export interface UnreadPart {
  readonly path: string;
  readonly reason: string;
}

export interface SbomDocument {
  readonly subject: SbomSubject;
  readonly components: readonly SbomComponent[];
  /** When the artifact says it was made (RFC 3339): no clock is asked, so that equal artifacts have equal documents. */
  readonly created?: string | undefined;
  readonly unread?: readonly UnreadPart[] | undefined;
}

/** A document that was read. */
export interface ReadSbom extends SbomDocument {
  /** E.g. `CycloneDX 1.6`, `SPDX 2.3`. */
  readonly format: string;
  /** Programs that wrote it. */
  readonly tools: readonly string[];
}

/** A property of a component that names a format that runs code when it is loaded, e.g. `pickle`. */
export const UNSAFE_FORMAT_PROPERTY = "pratique:unsafe-format";

/** Who says so in documents that are written here. */
export const TOOL_NAME = "pratique";

/** Properties of a document. */
export const KIND_PROPERTY = "pratique:kind";
export const UNREAD_PROPERTY = "pratique:unread";

/** What an artifact of a kind is called in a document. */
export const SUBJECT_TYPES: Readonly<Record<Kind, ComponentType>> = {
  model: "machine-learning-model",
  "mcp-server": "container",
  image: "container",
  agent: "application",
  skill: "data",
  policy: "data",
  catalog: "data",
};
