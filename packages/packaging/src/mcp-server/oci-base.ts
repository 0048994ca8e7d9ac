// Any image with node as the base: its layers are taken over as they are.
import { copyBlob, parseManifest, type Descriptor, type ImageManifest, type Repository } from "@pratique/oci";
import { hexOf } from "@pratique/core";
import { packagingErrors } from "../errors.ts";
import type { BaseImage, BaseLayer } from "./base-image.ts";
import { readImageConfig } from "./image-config.schema.ts";

export interface OciBaseOptions {
  readonly repository: Repository;
  /** Tag or digest. */
  readonly ref: string;
  /** OCI name, `amd64` or `arm64`. */
  readonly architecture: string;
  /** Path of node in the image. */
  readonly node?: string;
}

export function ociBase(options: OciBaseOptions): BaseImage {
  const name = `${options.repository.name}@${options.ref}`;
  const unavailable = (reason: string) => packagingErrors("base.unavailable", { base: name, reason });
  return {
    name,
    async prepare({ repository }) {
      const { descriptor, manifest } = await imageFor(options, unavailable);
      const config = await readImageConfig(options.repository, manifest.config);
      if (config === undefined || config.diffIds.length !== manifest.layers.length) {
        throw unavailable("it is no runnable image");
      }
      if (config.architecture !== options.architecture || config.os !== "linux") {
        throw unavailable(`it is for ${config.os}/${config.architecture}, not linux/${options.architecture}`);
      }
      const layers: BaseLayer[] = [];
      for (const [index, layer] of manifest.layers.entries()) {
        const diffId = config.diffIds[index];
        if (diffId === undefined) throw unavailable("it is no runnable image");
        await copyBlob(options.repository, repository, layer);
        layers.push({ descriptor: layer, diffId });
      }
      return {
        description: name,
        architecture: config.architecture,
        layers,
        runtime: options.node ?? "/usr/local/bin/node",
        env: config.env,
        components: [],
        materials: [{ uri: `oci:${options.repository.name}`, digest: { sha256: hexOf(descriptor.digest) }, name }],
      };
    },
  };
}

/** The image for an architecture behind a tag or digest. */
export async function imageFor(
  o: Pick<OciBaseOptions, "repository" | "ref" | "architecture">,
  unavailable: (reason: string) => Error,
): Promise<{ descriptor: Descriptor; manifest: ImageManifest }> {
  let ref: string = o.ref;
  // An index of images; an index of indexes is nobody's base.
  for (let depth = 0; depth < 2; depth += 1) {
    const found = await o.repository.manifest(ref);
    if (found === undefined) throw unavailable("it is not there");
    const parsed = parseManifest(found.bytes, found.mediaType);
    if (parsed.type === "image") return { descriptor: found.descriptor, manifest: parsed.manifest };
    const match = parsed.manifest.manifests.find(
      ({ platform }) => platform?.os === "linux" && platform.architecture === o.architecture,
    );
    if (match === undefined) throw unavailable(`it has no image for linux/${o.architecture}`);
    ref = match.digest;
  }
  throw unavailable("its index nests too deep");
}
