// The manifest that is meant: as it stands, or the one of an index that fits a platform.
import { parseManifest, type Descriptor, type ParsedManifest, type Platform, type Repository } from "@pratique/oci";
import { sbomErrors } from "../errors.ts";
import { isAgentLock } from "./ai/artifact-packages.ts";

/** An index may hold indexes; nobody nests them deeper than this. */
const MAX_DEPTH = 4;
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64", arm: "arm", ia32: "386" };

/**
 * @param platform `os/architecture[/variant]`; without it, that of this machine is preferred and any other taken
 * @throws `catalogue.not-found`, `catalogue.no-platform`
 */
export async function imageFor(
  source: Pick<Repository, "manifest">,
  digest: string,
  platform: string | undefined,
  depth = 0,
): Promise<ParsedManifest> {
  const manifest = await source.manifest(digest);
  if (manifest === undefined) throw sbomErrors("catalogue.not-found", { digest });
  const parsed = parseManifest(manifest.bytes, manifest.mediaType);
  // The members of a lock are for no platform: it is what it lists.
  if (parsed.type === "image" || isAgentLock(parsed)) return parsed;
  // BuildKit keeps attestations beside images as "unknown/unknown".
  const images = parsed.manifest.manifests.filter((one) => one.platform?.os !== "unknown");
  const chosen = platform === undefined ? preferred(images) : images.find((one) => fits(one.platform, platform));
  if (chosen === undefined || depth >= MAX_DEPTH) {
    const available = [...new Set(images.map((one) => (one.platform === undefined ? "?" : textOf(one.platform))))];
    throw sbomErrors("catalogue.no-platform", {
      platform: platform ?? "any platform",
      digest,
      available: available.slice(0, 20).join(", ") || "none",
    });
  }
  return imageFor(source, chosen.digest, platform, depth + 1);
}

function preferred(images: readonly Descriptor[]): Descriptor | undefined {
  const own = `linux/${ARCHITECTURES[process.arch] ?? process.arch}`;
  return images.find((one) => fits(one.platform, own)) ?? images[0];
}

function fits(platform: Platform | undefined, wanted: string): boolean {
  if (platform === undefined) return false;
  const [os, architecture, variant] = wanted.split("/");
  return (
    platform.os === os &&
    platform.architecture === architecture &&
    // arm64 is v8 whether it says so or not.
    (variant === undefined || variant === platform.variant || (variant === "v8" && platform.variant === undefined))
  );
}

function textOf({ os, architecture, variant }: Platform): string {
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}
