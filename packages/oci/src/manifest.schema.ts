// Image manifests and indexes (image-spec, manifest.md and image-index.md), and what they refer to.
import { algorithmOf, digestOf, type Digest } from "@pratique/core";
import { z } from "zod";
import { Annotations, Descriptor } from "./descriptor.schema.ts";
import { ociErrors } from "./errors.ts";
import { isIndexMediaType, isManifestMediaType } from "./media-types.ts";

/** What registries must take at least (distribution-spec 1.1, "Pushing manifests"), and the most we do. */
export const MANIFEST_LIMIT_BYTES = 4 * 1024 * 1024;
const DEPTH_LIMIT = 32;

export interface ImageManifest {
  readonly schemaVersion: 2;
  readonly mediaType?: string | undefined;
  readonly artifactType?: string | undefined;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

export interface ImageIndex {
  readonly schemaVersion: 2;
  readonly mediaType?: string | undefined;
  readonly artifactType?: string | undefined;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

export const ImageManifest: z.ZodType<ImageManifest> = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  artifactType: z.string().max(255).optional(),
  config: Descriptor,
  layers: z.array(Descriptor),
  subject: Descriptor.optional(),
  annotations: Annotations.optional(),
});

export const ImageIndex: z.ZodType<ImageIndex> = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  artifactType: z.string().max(255).optional(),
  manifests: z.array(Descriptor),
  subject: Descriptor.optional(),
  annotations: Annotations.optional(),
});

/** A manifest that was read: which of the two it is, and its content. */
export type ParsedManifest =
  | { readonly type: "image"; readonly mediaType: string; readonly manifest: ImageManifest }
  | { readonly type: "index"; readonly mediaType: string; readonly manifest: ImageIndex };

/**
 * Reads the bytes of a manifest or an index.
 * @throws `manifest.too-large`, `manifest.unsupported`, `manifest.invalid`
 */
export function parseManifest(bytes: Uint8Array, mediaType: string): ParsedManifest {
  if (bytes.byteLength > MANIFEST_LIMIT_BYTES) {
    throw ociErrors("manifest.too-large", { limitBytes: MANIFEST_LIMIT_BYTES });
  }
  if (!isManifestMediaType(mediaType)) {
    throw ociErrors("manifest.unsupported", { mediaType: mediaType.slice(0, 160) });
  }
  const json = parseBoundedJson(bytes);
  const parsed: ParsedManifest = isIndexMediaType(mediaType)
    ? { type: "index", mediaType, manifest: check(ImageIndex, json) }
    : { type: "image", mediaType, manifest: check(ImageManifest, json) };
  // The type inside and the type outside must agree, or two readers see two things (CVE-2021-41190).
  const inside = parsed.manifest.mediaType;
  if (inside !== undefined && inside !== mediaType) {
    throw invalid(`it calls itself \`${inside.slice(0, 160)}\` but came as \`${mediaType}\``);
  }
  const other = parsed.type === "image" ? "manifests" : "layers";
  if (other in parsed.manifest) throw invalid(`an ${parsed.type} manifest cannot have \`${other}\``);
  return parsed;
}

/** The digest of a manifest's bytes: sha256, or the one they must have. @throws `digest.mismatch` */
export function manifestDigest(bytes: Uint8Array, expected?: Digest): Digest {
  const digest = digestOf(bytes, expected === undefined ? "sha256" : algorithmOf(expected));
  if (expected !== undefined && expected !== digest) {
    throw ociErrors("digest.mismatch", { what: "the manifest", actual: digest, expected });
  }
  return digest;
}

/** What a reader of referrers is told: the manifest's own artifact type, else its config's media type. */
export function artifactTypeOf(parsed: ParsedManifest): string | undefined {
  const own = parsed.manifest.artifactType;
  if (own !== undefined && own !== "") return own;
  return parsed.type === "image" ? parsed.manifest.config.mediaType : undefined;
}

/** Everything a manifest needs in its repository: blobs of an image, manifests of an index. Not its subject. */
export function contentOf(parsed: ParsedManifest): readonly Descriptor[] {
  return parsed.type === "image" ? [parsed.manifest.config, ...parsed.manifest.layers] : parsed.manifest.manifests;
}

/** The descriptor of a manifest as the referrers API lists it (distribution-spec 1.1, "Listing Referrers"). */
export function referrerDescriptor(parsed: ParsedManifest, digest: Digest, size: number): Descriptor {
  const artifactType = artifactTypeOf(parsed);
  const annotations = parsed.manifest.annotations;
  return {
    mediaType: parsed.mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

function invalid(reason: string, cause?: unknown): Error {
  return ociErrors("manifest.invalid", { reason }, cause === undefined ? {} : { cause });
}

function check<T>(schema: z.ZodType<T>, json: unknown): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = issue === undefined ? "" : issue.path.map(String).join(".");
  throw invalid(`${path === "" ? "" : `${path.slice(0, 160)}: `}${issue?.message.slice(0, 300) ?? "wrong shape"}`);
}

function parseBoundedJson(bytes: Uint8Array): unknown {
  if (nestingOf(bytes) > DEPTH_LIMIT) throw invalid(`it nests deeper than ${DEPTH_LIMIT} levels`);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw invalid("it is not JSON", cause);
  }
}

/** How deep brackets nest outside of strings; works on UTF-8 bytes, since all that matters is ASCII. */
function nestingOf(bytes: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (inString) {
      if (byte === 0x5c) at += 1;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) deepest = Math.max(deepest, (depth += 1));
    else if (byte === 0x7d || byte === 0x5d) depth -= 1;
  }
  return deepest;
}
