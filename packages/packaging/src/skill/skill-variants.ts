// A skill that differs between platforms: an index of agentskills manifests, of which readers take their own.
import { MEDIA_TYPES, parseManifest, type LocalRepository, type Manifest, type Platform } from "@pratique/oci";
import { packagingErrors } from "../errors.ts";
import { SKILL_MEDIA_TYPES } from "./skill-media-types.ts";

export interface SkillVariant {
  /** In the repository that gets the index. */
  readonly manifest: Manifest;
  readonly platform: Platform;
  /** The name that its config says. */
  readonly name: string;
}

const PLATFORM = /^([a-z0-9]{1,32})\/([a-z0-9]{1,32})(?:\/([a-z0-9]{1,32}))?$/;

/** `linux/arm64`, `linux/arm/v7`. @throws `skill.platform-invalid` */
export function parsePlatform(text: string): Platform {
  const [, os, architecture, variant] = PLATFORM.exec(text) ?? [];
  if (os === undefined || architecture === undefined) {
    throw packagingErrors("skill.platform-invalid", { platform: text.slice(0, 80) });
  }
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

/** The bytes of the index; equal variants make equal bytes. @throws `skill.variants-differ` when they are not one skill */
export function encodeSkillVariants(variants: readonly SkillVariant[]): Buffer {
  const [first] = variants;
  const shown = ({ os, architecture, variant }: Platform): string =>
    [os, architecture, ...(typeof variant === "string" ? [variant] : [])].join("/");
  const other = variants.find(({ name }) => name !== first?.name);
  if (first === undefined || other !== undefined) {
    throw packagingErrors("skill.variants-differ", { one: first?.name ?? "nothing", other: other?.name ?? "nothing" });
  }
  const sorted = variants.toSorted((a, b) => (shown(a.platform) < shown(b.platform) ? -1 : 1));
  const index = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageIndex,
    artifactType: SKILL_MEDIA_TYPES.artifact,
    manifests: sorted.map(({ manifest: { descriptor }, platform }) => ({
      mediaType: descriptor.mediaType,
      digest: descriptor.digest,
      size: descriptor.size,
      platform,
    })),
    annotations: { "io.agentskills.skill.name": first.name, "org.opencontainers.image.title": first.name },
  };
  return Buffer.from(JSON.stringify(index));
}

/** Members of a collection: an index of skills with no platforms. */
export async function collectionMembers(repository: LocalRepository, manifest: Manifest): Promise<Manifest[]> {
  const parsed = parseManifest(manifest.bytes, manifest.mediaType);
  if (parsed.type !== "index") return [manifest];
  const members: Manifest[] = [];
  for (const { digest } of parsed.manifest.manifests.slice(0, 1000)) {
    const member = await repository.manifest(digest);
    if (member !== undefined) members.push(member);
  }
  return members;
}
