// What a bundle says of itself, and who signed it, without unpacking it.
import { join } from "node:path";
import { hexOf, readBounded } from "@pratique/core";
import { readZip } from "../archive/zip-reader.ts";
import { packagingErrors } from "../errors.ts";
import { digestOfFile } from "../file-layer.ts";
import { copyUnsigned } from "./mcpb-file.ts";
import { verifyMcpbSignature, type McpbSignature } from "./mcpb-signature.ts";
import { LIMIT_MANIFEST, parseMcpbManifest } from "./mcpb.schema.ts";
import { openStaging } from "./staging.ts";
import { WHEEL_LIMITS } from "./wheel-files.ts";

export interface ReadMcpb {
  /** Bytes of manifest.json. */
  readonly manifest: Buffer;
  /** Of the whole file, signature included: `fileSha256` of server.json. */
  readonly sha256: string;
  readonly signature: McpbSignature;
}

/** @throws `mcpb.invalid`, `mcpb.bad-signature`, `mcpb.wrong-checksum`, `archive.*`, `mcp-server.source-invalid` */
export async function readMcpb(
  path: string,
  o: { readonly cacheDirectory: string; readonly now: Date; readonly fileSha256?: string | undefined },
): Promise<ReadMcpb> {
  const staging = await openStaging(o.cacheDirectory);
  try {
    const archive = join(staging.directory, "bundle.zip");
    await copyUnsigned(path, archive).catch((cause: unknown) => {
      throw packagingErrors("mcp-server.source-invalid", { source: path, reason: "it cannot be read" }, { cause });
    });
    const sha256 = hexOf(await digestOfFile({ absolute: path, path }));
    if (o.fileSha256 !== undefined && sha256 !== o.fileSha256) {
      throw packagingErrors("mcpb.wrong-checksum", { path, wanted: o.fileSha256, found: sha256 });
    }
    const signature = await verifyMcpbSignature(path, { now: o.now });
    if (signature.status === "invalid") throw packagingErrors("mcpb.bad-signature", { path, reason: signature.reason });
    const manifest = await manifestIn(archive);
    if (manifest === undefined) throw packagingErrors("mcpb.invalid", { path, reason: "it has no manifest.json" });
    parseMcpbManifest(manifest, path);
    return { manifest, sha256, signature };
  } finally {
    await staging.close();
  }
}

async function manifestIn(archive: string): Promise<Buffer | undefined> {
  for await (const entry of readZip(archive, WHEEL_LIMITS)) {
    if (entry.type === "file" && entry.path === "manifest.json")
      return await readBounded(entry.body, LIMIT_MANIFEST, "manifest.json");
  }
  return undefined;
}
