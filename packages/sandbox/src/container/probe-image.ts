// The image that probes an engine: our first process alone, which says what it is allowed to do. Made here, so that a
// probe needs no network and no file.
import { digestOf } from "@pratique/core";
import { packTar } from "modern-tar";
import { initProgram } from "./guest-files.ts";

/** With which the program ends after it has said everything. */
export const PROBE_EXIT_CODE = 42;
export const PROBE_PROGRAM = "/init";

export interface ProbeImage {
  readonly manifest: Buffer;
  readonly config: Buffer;
  readonly layer: Buffer;
}

/** The probe's manifest, configuration and layer; the same bytes every time. */
export async function probeImage(architecture: "amd64" | "arm64"): Promise<ProbeImage> {
  const program = await initProgram(architecture);
  const header = { name: "init", size: program.length, mode: 0o755, mtime: new Date(0), uid: 0, gid: 0 };
  const layer = Buffer.from(await packTar([{ header, body: program }]));
  const config = Buffer.from(
    JSON.stringify({
      architecture,
      os: "linux",
      config: { Entrypoint: [PROBE_PROGRAM, "-p"], User: "65532:65532", Labels: { "dev.pratique.probe": "1" } },
      rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
    }),
  );
  const descriptor = (mediaType: string, bytes: Buffer) => ({ mediaType, digest: digestOf(bytes), size: bytes.length });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: descriptor("application/vnd.oci.image.config.v1+json", config),
      layers: [descriptor("application/vnd.oci.image.layer.v1.tar", layer)],
    }),
  );
  return { manifest, config, layer };
}
