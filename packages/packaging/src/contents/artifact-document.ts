// From an artifact of any kind in a repository to its bill of materials: what it is, may do, and consists of.
import { hexOf, isJsonObject, isPratiqueError, parseJson, readBounded, type JsonObject } from "@pratique/core";
import type { Kind } from "@pratique/contracts";
import { parseManifest, type Descriptor, type ImageManifest, type LocalRepository, type Manifest } from "@pratique/oci";
import {
  catalogueArtifact,
  componentOfPackage,
  type ComponentType,
  ociPurl,
  type SbomComponent,
  type SbomDocument,
  type SbomSubject,
  type UnreadPart,
} from "@pratique/sbom";
import { isAgentLock, readAgentLock, type LockedType } from "../agent/agent-lock.ts";
import { ANNOTATIONS } from "../artifact-plan.ts";
import { packagingErrors } from "../errors.ts";
import { kindOfManifest } from "../kind-of-manifest.ts";
import { LIMIT_CONFIG, readImageConfig } from "../mcp-server/image-config.schema.ts";
import { modelComponents } from "../model/model-components.ts";
import { readModel } from "../model/model-formats.ts";
import { picklesIn } from "../model/pickles-in.ts";
import { readArtifact } from "../read-artifact.ts";
import { readCanonicalSkill } from "../skill/canonical-skill.ts";
import { agentCapabilities } from "./agent-capabilities.ts";
import { serverCapabilities } from "./server-capabilities.ts";

export interface ArtifactDocumentOptions {
  /** As the document names the artifact: `localhost:7340/voyage/harbour`. */
  readonly name: string;
  /** Of an index, the image that is looked into. */
  readonly platform?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What whoever packed it knows of it: it is not looked for again. */
  readonly components?: readonly SbomComponent[] | undefined;
  /** What is known besides, and may not show in the file systems of an image: servers are bundled into one file. */
  readonly besides?: readonly SbomComponent[] | undefined;
  /** The document of a member of a lock or index, when there is a better one than what is found by looking. */
  readonly documentOf?: ((member: Descriptor) => Promise<SbomDocument | undefined>) | undefined;
}

const MEMBER_TYPES: Readonly<Record<LockedType, ComponentType>> = {
  root: "application",
  agent: "application",
  model: "machine-learning-model",
  "mcp-server": "container",
  skill: "data",
};
const LIMIT_MEMBERS = 1000;
const DEPTH_LIMIT = 8;

/** @throws `artifact.missing`, `artifact.malformed`, the codes of `catalogue.*` and `archive.*` */
export async function artifactDocument(
  repository: LocalRepository,
  ref: string,
  options: ArtifactDocumentOptions,
): Promise<SbomDocument> {
  return documentOf(repository, ref, options, 0);
}

async function documentOf(
  repository: LocalRepository,
  ref: string,
  options: ArtifactDocumentOptions,
  depth: number,
): Promise<SbomDocument> {
  const manifest = await repository.manifest(ref);
  if (manifest === undefined)
    throw packagingErrors("artifact.missing", { repository: repository.name, reference: ref });
  if (depth > DEPTH_LIMIT) {
    const reason = `it is nested more than ${DEPTH_LIMIT} deep`;
    throw packagingErrors("artifact.malformed", { reference: ref, kind: kindOfManifest(manifest), reason });
  }
  const kind = kindOfManifest(manifest);
  const parsed = parseManifest(manifest.bytes, manifest.mediaType);
  const { annotations = {} } = parsed.manifest;
  const member = (descriptor: Descriptor): Promise<SbomDocument> =>
    memberDocument(repository, descriptor, options, depth);
  const contents = await contentsOf(repository, manifest, kind, options, member);
  const licence = annotations[ANNOTATIONS.licences];
  const subject: SbomSubject = {
    name: options.name,
    kind,
    digest: manifest.descriptor.digest,
    hashes: manifest.descriptor.digest.startsWith("sha256:")
      ? { sha256: hexOf(manifest.descriptor.digest) }
      : undefined,
    description: annotations[ANNOTATIONS.description],
    licences: contents.licences ?? (licence === undefined || licence === "" ? undefined : [licence]),
    supplier: annotations["org.opencontainers.image.vendor"] ?? annotations[ANNOTATIONS.authors],
    properties: contents.properties,
  };
  return {
    subject,
    components: contents.components,
    created: createdOf(annotations[ANNOTATIONS.created] ?? contents.created),
    unread: contents.unread,
  };
}

interface Contents {
  readonly components: readonly SbomComponent[];
  readonly properties?: SbomComponent["properties"];
  readonly licences?: readonly string[] | undefined;
  readonly created?: string | undefined;
  readonly unread?: readonly UnreadPart[] | undefined;
}

type MemberDocument = (descriptor: Descriptor) => Promise<SbomDocument>;

async function contentsOf(
  repository: LocalRepository,
  manifest: Manifest,
  kind: Kind,
  options: ArtifactDocumentOptions,
  member: MemberDocument,
): Promise<Contents> {
  if (isAgentLock(manifest)) return lockContents(repository, manifest, member);
  const parsed = parseManifest(manifest.bytes, manifest.mediaType);
  switch (kind) {
    case "model": {
      if (options.components !== undefined) return { components: options.components };
      const model = await readModel(repository, manifest);
      return {
        components: await modelComponents(model, model.version, await picklesIn(model)),
        licences: model.metadata.licences,
      };
    }
    case "skill":
      return parsed.type === "index"
        ? variantContents(parsed.manifest.manifests, member)
        : skillContents(repository, manifest, options.components);
    case "agent": {
      const info = await readArtifact(repository, manifest.descriptor.digest);
      if (info.kind !== "agent") return { components: [] };
      const [layer] = info.layers;
      const file: SbomComponent = {
        type: "file",
        name: layer?.annotations?.[ANNOTATIONS.title] ?? info.fileName,
        ...(layer === undefined ? {} : { hashes: { sha256: hexOf(layer.digest) } }),
      };
      return { components: options.components ?? [file], properties: agentCapabilities(info.yaml) };
    }
    case "policy":
    case "catalog":
      return { components: options.components ?? (parsed.type === "image" ? layerFiles(parsed.manifest) : []) };
    case "image":
    case "mcp-server":
      return imageContents(repository, manifest, options);
  }
}

/** The packages that its file systems hold, and what whoever packed it knows that no file system shows. */
async function imageContents(
  repository: LocalRepository,
  manifest: Manifest,
  options: ArtifactDocumentOptions,
): Promise<Contents> {
  const { platform, signal, components: known = [], besides = [] } = options;
  const config = await imageConfigOf(repository, manifest);
  const stated = { properties: config?.properties, licences: config?.licences, created: config?.created };
  // A packer that names the packages of the base has looked at every file itself.
  if (known.some(({ purl }) => purl !== undefined && /^pkg:(?:deb|apk|rpm)\//.test(purl))) {
    return { components: known, ...stated };
  }
  const catalogue = await catalogueArtifact(repository, manifest.descriptor, { platform, signal });
  const found = catalogue.components.map(componentOfPackage);
  const seen = new Set(found.map(({ purl }) => purl));
  const { distribution } = catalogue;
  const system: SbomComponent[] =
    distribution === undefined
      ? []
      : [
          {
            type: "operating-system",
            name: distribution.id,
            ...(distribution.version === "" ? {} : { version: distribution.version }),
            ...(distribution.name === undefined ? {} : { description: distribution.name }),
          },
        ];
  const more = [...known, ...besides].filter(({ type, purl }) =>
    purl === undefined ? type !== "operating-system" : !seen.has(purl),
  );
  const all = [...system, ...found, ...more];
  // Something that is no image at all: what it carries are files.
  const parsed = parseManifest(manifest.bytes, manifest.mediaType);
  const isNone = all.length === 0 && config === undefined && parsed.type === "image";
  return { components: isNone ? layerFiles(parsed.manifest) : all, unread: catalogue.unread, ...stated };
}

async function imageConfigOf(
  repository: LocalRepository,
  manifest: Manifest,
): Promise<Pick<Contents, "properties" | "licences" | "created"> | undefined> {
  const parsed = parseManifest(manifest.bytes, manifest.mediaType);
  if (parsed.type !== "image") return undefined;
  const { config: descriptor } = parsed.manifest;
  if (descriptor.size > LIMIT_CONFIG) return undefined;
  try {
    const config = await readImageConfig(repository, descriptor);
    if (config === undefined) return undefined;
    const bytes = await readBounded(await repository.openBlob(descriptor.digest), LIMIT_CONFIG, "the image's config");
    const json = parseJson(bytes.toString("utf8"), "the image's config");
    const raw: JsonObject = isJsonObject(json) ? json : {};
    const { created } = raw;
    const licence = config.labels["org.opencontainers.image.licenses"];
    return {
      properties: serverCapabilities(config, raw),
      ...(typeof created === "string" ? { created } : {}),
      ...(licence === undefined || licence === "" ? {} : { licences: [licence] }),
    };
  } catch (error) {
    // A config that is none takes nothing from what the layers hold.
    if (isPratiqueError(error, "input.not-json") || isPratiqueError(error, "mcp-server.invalid")) return undefined;
    throw error;
  }
}

async function skillContents(
  repository: LocalRepository,
  manifest: Manifest,
  known: readonly SbomComponent[] | undefined,
): Promise<Contents> {
  const skill = await readCanonicalSkill(repository, manifest);
  const { allowedTools, license } = skill.metadata;
  const files = skill.files.map(({ path, role, digest }): SbomComponent => ({
    type: "file",
    name: path,
    hashes: { sha256: hexOf(digest) },
    ...(role === "script" ? { properties: { "pratique:skill:role": role } } : {}),
  }));
  return {
    components: known ?? files,
    ...(license === undefined ? {} : { licences: [license] }),
    ...(allowedTools.length === 0
      ? {}
      : { properties: { "pratique:permission:tool": allowedTools.map((tool) => `allow ${tool}`).sort() } }),
  };
}

/** A file that all variants have is there once; of the others it is said for which platform each is. */
async function variantContents(members: readonly Descriptor[], member: MemberDocument): Promise<Contents> {
  const files = new Map<string, { component: SbomComponent; platforms: string[] }>();
  const read: SbomDocument[] = [];
  const members_ = members.slice(0, LIMIT_MEMBERS);
  for (const descriptor of members_) {
    const document = await member(descriptor);
    read.push(document);
    const { os = "any", architecture = "any" } = descriptor.platform ?? {};
    for (const component of document.components) {
      const key = JSON.stringify([component.type, component.name, component.hashes]);
      const known = files.get(key);
      if (known === undefined) files.set(key, { component, platforms: [`${os}/${architecture}`] });
      else known.platforms.push(`${os}/${architecture}`);
    }
  }
  const [first] = read;
  return {
    components: [...files.values()].map(({ component, platforms }) =>
      platforms.length === read.length
        ? component
        : {
            ...component,
            properties: { ...component.properties, "pratique:platform": [...new Set(platforms)].sort() },
          },
    ),
    ...(first?.subject.licences === undefined ? {} : { licences: first.subject.licences }),
    ...(first?.subject.properties === undefined ? {} : { properties: first.subject.properties }),
    unread: read.flatMap(({ unread = [] }) => unread),
  };
}

/** Every member by its digest, and what each consists of. */
async function lockContents(
  repository: LocalRepository,
  manifest: Manifest,
  member: MemberDocument,
): Promise<Contents> {
  const members = readAgentLock(manifest);
  const components: SbomComponent[] = [];
  const seen = new Map<string, SbomComponent>();
  const unread: UnreadPart[] = [];
  let root: SbomDocument | undefined;
  for (const { type, named, reference, descriptor } of members) {
    const document = await member(descriptor);
    if (type === "root") root = document;
    const name = reference.replace(/@sha\d+:[0-9a-f]+$/, "").replace(/:[\w][\w.-]{0,127}$/, "");
    components.push({
      type: MEMBER_TYPES[type],
      name,
      version: descriptor.digest,
      purl: ociPurl(name, descriptor.digest),
      ...(descriptor.digest.startsWith("sha256:") ? { hashes: { sha256: hexOf(descriptor.digest) } } : {}),
      ...(document.subject.licences === undefined ? {} : { licences: document.subject.licences }),
      properties: { ...document.subject.properties, "pratique:lock:type": type, "pratique:lock:named": named },
      ...(type === "model" ? modelCardIn(document) : {}),
    });
    for (const component of document.components) {
      const key =
        component.purl ?? JSON.stringify([component.type, component.name, component.version, component.hashes]);
      if (!seen.has(key)) seen.set(key, component);
    }
    unread.push(...(document.unread ?? []));
  }
  return {
    components: [...components, ...seen.values()],
    ...(root?.subject.licences === undefined ? {} : { licences: root.subject.licences }),
    ...(root?.subject.properties === undefined ? {} : { properties: root.subject.properties }),
    unread,
  };
}

function modelCardIn({ components }: SbomDocument): Pick<SbomComponent, "model"> {
  const model = components.find((component) => component.model !== undefined)?.model;
  return model === undefined ? {} : { model };
}

async function memberDocument(
  repository: LocalRepository,
  descriptor: Descriptor,
  options: ArtifactDocumentOptions,
  depth: number,
): Promise<SbomDocument> {
  const known = await options.documentOf?.(descriptor);
  if (known !== undefined) return known;
  const { components: _components, besides: _besides, ...rest } = options;
  return documentOf(repository, descriptor.digest, rest, depth + 1);
}

function layerFiles({ layers }: ImageManifest): SbomComponent[] {
  return layers.map(({ digest, annotations }) => ({
    type: "file",
    name: annotations?.[ANNOTATIONS.title] ?? digest,
    ...(digest.startsWith("sha256:") ? { hashes: { sha256: hexOf(digest) } } : {}),
  }));
}

/** 1970 stands for no time at all. */
function createdOf(text: string | undefined): string | undefined {
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return time > 0 ? new Date(time).toISOString() : undefined;
}
