// Blobs on their way in (distribution-spec 1.1, "Pushing blobs"): monolithic, chunked and streamed.
import { algorithmOf, describeError, parseDigest, type Digest, type DigestAlgorithm } from "@pratique/core";
import { ociErrors, type ChunkSource, type Upload } from "@pratique/oci";
import { actOf, perform, permit, repositoryResource } from "./act.ts";
import { mountBlob } from "./blob-mount.ts";
import { bulkBody } from "./bulk-request-body.ts";
import { parseContentRange, type Slice } from "./byte-range.ts";
import { registryErrors } from "./errors.ts";
import { sendEmpty, type Exchange, type RegistryParts } from "./exchange.ts";
import { announcedBytes, hasBody, readBody } from "./request-body.ts";

/** `POST /v2/<name>/blobs/uploads/` (end-4a, 4b, 4c, 11): begins an upload, takes a whole blob, or mounts one. */
export async function startUpload(parts: RegistryParts, exchange: Exchange, name: string): Promise<void> {
  const { query, res } = exchange;
  const mount = query.get("mount");
  if (mount !== null) {
    const digest = parseDigest(mount);
    const isMounted = await mountBlob(parts, exchange, name, digest, query.get("from"));
    if (isMounted) return sendEmpty(res, 201, blobCreated(name, digest));
  }
  const whole = query.get("digest");
  const digest = whole === null ? undefined : parseDigest(whole);
  const algorithm = digest === undefined ? algorithmParameter(query, mount) : algorithmOf(digest);
  await permit(parts.guard, pushAct(parts, exchange, name));
  const upload = await parts.store.repository(name).startUpload(algorithm);
  if (digest === undefined) return sendEmpty(res, 202, uploadHeaders(name, upload));
  try {
    reserve(parts, exchange, name, upload, digest);
    await upload.append(blobBody(parts, exchange));
    await commit(parts, exchange, name, upload, digest);
  } catch (error) {
    // One request, no session that anybody could go on with: nothing of it stays.
    await cancelQuietly(parts, upload);
    throw error;
  }
}

/** `PATCH <upload>` (end-5): a chunk with its place, or a stream without one. */
export async function appendChunk(parts: RegistryParts, exchange: Exchange, name: string, id: string): Promise<void> {
  const upload = await resume(parts, exchange, name, id);
  await receive(parts, exchange, name, upload);
  sendEmpty(exchange.res, 202, uploadHeaders(name, upload));
}

/** `PUT <upload>?digest=` (end-6): closes an upload, with or without a last chunk. */
export async function closeUpload(parts: RegistryParts, exchange: Exchange, name: string, id: string): Promise<void> {
  const text = exchange.query.get("digest");
  if (text === null) throw registryErrors("registry.digest-required");
  const digest = parseDigest(text);
  const upload = await resume(parts, exchange, name, id);
  if (hasBody(exchange.req)) await receive(parts, exchange, name, upload, digest);
  // An upload that was begun before a restart holds no room yet.
  else reserve(parts, exchange, name, upload, digest);
  await commit(parts, exchange, name, upload, digest);
}

/** `GET <upload>` (end-13): how far it is. */
export async function uploadStatus(parts: RegistryParts, exchange: Exchange, name: string, id: string): Promise<void> {
  const upload = await resume(parts, exchange, name, id);
  sendEmpty(exchange.res, 204, uploadHeaders(name, upload));
}

/** `DELETE <upload>` (end-14). */
export async function cancelUpload(parts: RegistryParts, exchange: Exchange, name: string, id: string): Promise<void> {
  const upload = await resume(parts, exchange, name, id);
  await upload.cancel();
  sendEmpty(exchange.res, 204);
}

function pushAct(parts: RegistryParts, exchange: Exchange, name: string): ReturnType<typeof actOf> {
  return actOf(exchange, "artifact:push", repositoryResource(parts, name));
}

async function resume(parts: RegistryParts, exchange: Exchange, name: string, id: string): Promise<Upload> {
  await permit(parts.guard, pushAct(parts, exchange, name));
  const upload = await parts.store.repository(name).resumeUpload(id);
  if (upload === undefined) throw ociErrors("upload.not-found", { id: id.slice(0, 80) });
  return upload;
}

/** Takes the body in, at its place. On a wrong place the answer says where to go on (416). */
async function receive(
  parts: RegistryParts,
  exchange: Exchange,
  name: string,
  upload: Upload,
  digest?: Digest,
): Promise<void> {
  const place = parseContentRange(exchange.req.headers["content-range"]);
  requireLength(exchange, place);
  const before = place?.start ?? upload.offset;
  if (place !== undefined && place.start !== upload.offset) wrongPlace(exchange, name, upload, place.start);
  try {
    reserve(parts, exchange, name, upload, digest);
    await upload.append(blobBody(parts, exchange), place?.start);
  } catch (error) {
    await keepWhatCame(parts, name, upload);
    setUploadHeaders(exchange, name, upload);
    throw error;
  }
  const received = upload.offset - before;
  if (place !== undefined && received !== place.length) {
    throw registryErrors("registry.length-wrong", { actualBytes: received, expectedBytes: place.length });
  }
}

/** What is announced and cannot fit is refused before it is read. */
function reserve(
  parts: RegistryParts,
  { req }: Exchange,
  name: string,
  upload: Upload,
  digest: Digest | undefined,
): void {
  parts.reserve?.(name, upload.id, upload.offset + announcedBytes(req), digest);
}

/** Of a request that broke off: room only for what came, and none for what it was said to become. */
async function keepWhatCame(parts: RegistryParts, name: string, upload: Upload): Promise<void> {
  try {
    parts.reserve?.(name, upload.id, upload.offset);
  } catch {
    await cancelQuietly(parts, upload);
  }
}

function wrongPlace(exchange: Exchange, name: string, upload: Upload, given: number): never {
  setUploadHeaders(exchange, name, upload);
  throw ociErrors("upload.wrong-offset", { offset: upload.offset, given });
}

function setUploadHeaders({ res }: Exchange, name: string, upload: Upload): void {
  for (const [key, value] of Object.entries(uploadHeaders(name, upload))) res.setHeader(key, value);
}

function requireLength({ req }: Exchange, place: Slice | undefined): void {
  if (place === undefined || req.headers["content-length"] === undefined) return;
  const actualBytes = announcedBytes(req);
  if (actualBytes !== place.length) {
    throw registryErrors("registry.length-wrong", { actualBytes, expectedBytes: place.length });
  }
}

function blobBody({ limits, shelf }: RegistryParts, { req, res }: Exchange): ChunkSource {
  const { idleMs, blobBytes } = limits;
  const bulk = announcedBytes(req) <= blobBytes ? bulkBody(req, res, { shelf, idleMs }) : undefined;
  return bulk ?? readBody(req, { idleMs, limitBytes: blobBytes }, "the blob");
}

/** The act of a push: here it is decided for good, and recorded. A wrong digest leaves no upload behind. */
async function commit(
  parts: RegistryParts,
  exchange: Exchange,
  name: string,
  upload: Upload,
  digest: Digest,
): Promise<void> {
  const act = { ...pushAct(parts, exchange, name), details: { digest } };
  await perform(parts.guard, act, async (note) => {
    const stored = await upload.commit(digest);
    note({ sizeBytes: stored.size });
  });
  sendEmpty(exchange.res, 201, blobCreated(name, digest));
}

/** Headers of a 201 for a blob. */
function blobCreated(name: string, digest: Digest): Record<string, string> {
  return { Location: `/v2/${name}/blobs/${digest}`, "Docker-Content-Digest": digest };
}

function uploadHeaders(name: string, upload: Upload): Record<string, string> {
  return {
    Location: `/v2/${name}/blobs/uploads/${upload.id}`,
    // An empty upload is `0-0` too: the specification has no way to say "nothing yet".
    Range: `0-${Math.max(0, upload.offset - 1)}`,
    "Docker-Upload-UUID": upload.id,
  };
}

function algorithmParameter(query: URLSearchParams, mount: string | null): DigestAlgorithm | undefined {
  const algorithm = query.get("digest-algorithm");
  if (algorithm === null) return mount === null ? undefined : algorithmOf(parseDigest(mount));
  if (algorithm === "sha256" || algorithm === "sha512") return algorithm;
  throw registryErrors("registry.algorithm-unsupported", { algorithm: algorithm.slice(0, 80) });
}

async function cancelQuietly(parts: RegistryParts, upload: Upload): Promise<void> {
  try {
    await upload.cancel();
  } catch (error) {
    parts.log.warn("an upload could not be cancelled; it will expire", describeError(error));
  }
}
