// An image of a directory, as an OCI image layout: what `pratique import` takes.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";

const run = promisify(execFile);

/** Writes to `layout` an image whose only layer is what lies in `root`. */
export async function writeImageLayout(layout: string, root: string): Promise<void> {
  await mkdir(join(layout, "blobs", "sha256"), { recursive: true });
  const { stdout } = await run(
    "tar",
    ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "-C", root, "-cf", "-", "."],
    {
      encoding: "buffer",
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  const layer = await blob(layout, gzipSync(stdout), "application/vnd.oci.image.layer.v1.tar+gzip");
  const rootfs = { type: "layers", diff_ids: [digestOf(stdout)] };
  const config = await blob(
    layout,
    Buffer.from(JSON.stringify({ architecture: "amd64", os: "linux", config: {}, rootfs })),
    "application/vnd.oci.image.config.v1+json",
  );
  const manifest = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config,
    layers: [layer],
  };
  const descriptor = await blob(layout, Buffer.from(JSON.stringify(manifest)), manifest.mediaType);
  await writeFile(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  await writeFile(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [descriptor] }));
}

async function blob(layout: string, bytes: Uint8Array, mediaType: string) {
  const digest = digestOf(bytes);
  await writeFile(join(layout, "blobs", "sha256", digest.slice(7)), bytes);
  return { mediaType, digest, size: bytes.length };
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
