// Blobs on their way out: GET and HEAD, whole or in part, and DELETE.
import { parseDigest, type Digest } from "@pratique/core";
import { ociErrors } from "@pratique/oci";
import { open, type FileHandle } from "node:fs/promises";
import { actOf, perform, permit, repositoryResource } from "./act.ts";
import { sendFile } from "./blob-sender.ts";
import { parseRange, type Slice } from "./byte-range.ts";
import { blobHeaders } from "./blob-headers.ts";
import { sendRemoteBlob } from "./blob-redirect.ts";
import { hasAlready, rangeApplies } from "./conditional.ts";
import { BASE_HEADERS, sendBytes, sendEmpty, type Exchange, type RegistryParts } from "./exchange.ts";
import { SMALL_BYTES } from "./small-blobs.ts";

/** `HEAD /v2/<name>/blobs/<digest>` (end-2). Says what is there; only a denial is recorded. */
export async function headBlob(parts: RegistryParts, exchange: Exchange, name: string, text: string): Promise<void> {
  const digest = parseDigest(text);
  await permit(parts.guard, actOf(exchange, "artifact:pull", repositoryResource(parts, name)));
  const sizeBytes = await parts.store.repository(name).blobSize(digest);
  if (sizeBytes === undefined) throw ociErrors("blob.not-found", { digest, repository: name });
  const headers = blobHeaders(digest);
  if (hasAlready(exchange.req.headers["if-none-match"], digest)) return sendEmpty(exchange.res, 304, headers);
  exchange.res.writeHead(200, { ...BASE_HEADERS, ...headers, "Content-Length": String(sizeBytes) });
  exchange.res.end();
}

/** `GET /v2/<name>/blobs/<digest>` (end-2). The pull is recorded before the first byte leaves. */
export async function getBlob(parts: RegistryParts, exchange: Exchange, name: string, text: string): Promise<void> {
  const digest = parseDigest(text);
  const kept = exchange.req.headers.range === undefined ? parts.small.get(name, digest) : undefined;
  if (kept !== undefined) return sendSmallBlob(parts, exchange, { name, digest, bytes: kept });
  const path = parts.store.repository(name).blobPath(digest);
  if (path === undefined) return sendRemoteBlob(parts, exchange, name, digest);
  const pull = actOf(exchange, "artifact:pull", repositoryResource(parts, name));
  const file = await openBlobFile(path);
  if (file === undefined) {
    // Who may not pull learns nothing about what is here.
    await permit(parts.guard, pull);
    throw ociErrors("blob.not-found", { digest, repository: name });
  }
  try {
    await sendBlob(parts, exchange, digest, file, pull);
    await keepSmall(parts, { name, digest, path }, file);
  } finally {
    await file.close();
  }
}

/** A whole blob out of memory. */
async function sendSmallBlob(
  parts: RegistryParts,
  exchange: Exchange,
  { name, digest, bytes }: { readonly name: string; readonly digest: Digest; readonly bytes: Buffer },
): Promise<void> {
  const act = parts.known.get(exchange.principal, `blob ${name} ${digest}`, undefined, () => {
    const details = { digest, sizeBytes: bytes.length };
    return actOf(exchange, "artifact:pull", repositoryResource(parts, name), { details });
  });
  await perform(parts.guard, act, nothingMore);
  const headers = blobHeaders(digest);
  if (hasAlready(exchange.req.headers["if-none-match"], digest)) return sendEmpty(exchange.res, 304, headers);
  sendBytes(exchange, 200, bytes, headers);
}

async function nothingMore(): Promise<void> {}

/** After the answer, so that the first client does not wait for it. */
async function keepSmall(
  parts: RegistryParts,
  { name, digest, path }: { readonly name: string; readonly digest: Digest; readonly path: string },
  file: FileHandle,
): Promise<void> {
  const stats = await file.stat();
  if (stats.size > SMALL_BYTES) return;
  const bytes = Buffer.alloc(stats.size);
  const { bytesRead } = await file.read(bytes, 0, stats.size, 0);
  if (bytesRead === stats.size) parts.small.set(name, digest, { path, stats, bytes });
}

async function sendBlob(
  parts: RegistryParts,
  exchange: Exchange,
  digest: Digest,
  file: FileHandle,
  pull: ReturnType<typeof actOf>,
): Promise<void> {
  const { req, res } = exchange;
  const sizeBytes = (await file.stat()).size;
  const slice = await perform(parts.guard, { ...pull, details: { digest } }, async (note) => {
    const range = rangeApplies(req.headers["if-range"], digest) ? req.headers.range : undefined;
    // For the 416 (RFC 9110 §14.4); with any other answer it goes, or says which part this is.
    res.setHeader("Content-Range", `bytes */${sizeBytes}`);
    const asked = parseRange(range, sizeBytes);
    res.removeHeader("Content-Range");
    note({ sizeBytes, ...(asked === undefined ? {} : { range: `${asked.start}+${asked.length}` }) });
    return asked;
  });
  const headers = blobHeaders(digest);
  if (hasAlready(req.headers["if-none-match"], digest)) return sendEmpty(res, 304, headers);
  const part: Slice = slice ?? { start: 0, length: sizeBytes };
  const contentRange = `bytes ${part.start}-${part.start + part.length - 1}/${sizeBytes}`;
  res.writeHead(slice === undefined ? 200 : 206, {
    ...BASE_HEADERS,
    ...headers,
    "Content-Length": String(part.length),
    ...(slice === undefined ? {} : { "Content-Range": contentRange }),
  });
  const isWhole = await sendFile(file, part, res, { shelf: parts.shelf, idleMs: parts.limits.idleMs });
  if (!isWhole) parts.log.debug("a client left before its blob was sent", { digest });
}

/** `DELETE /v2/<name>/blobs/<digest>` (end-10). */
export async function deleteBlob(parts: RegistryParts, exchange: Exchange, name: string, text: string): Promise<void> {
  const digest = parseDigest(text);
  const act = actOf(exchange, "artifact:delete", repositoryResource(parts, name), { details: { digest } });
  await perform(parts.guard, act, async () => {
    if (!(await parts.store.repository(name).deleteBlob(digest))) {
      throw ociErrors("blob.not-found", { digest, repository: name });
    }
  });
  sendEmpty(exchange.res, 202, { "Docker-Content-Digest": digest });
}

async function openBlobFile(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}
