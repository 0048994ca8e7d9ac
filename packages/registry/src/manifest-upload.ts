// Manifests on their way in: PUT by tag or digest (distribution-spec 1.1, "Pushing Manifests").
import { describeError, isDigest, type Digest, type JsonObject } from "@pratique/core";
import {
  isIndexMediaType,
  isTag,
  MANIFEST_LIMIT_BYTES,
  ociErrors,
  parseManifest,
  type Descriptor,
} from "@pratique/oci";
import { actOf, perform, repositoryResource } from "./act.ts";
import { mayReplace } from "./conditional.ts";
import { registryErrors } from "./errors.ts";
import { sendEmpty, type Exchange, type RegistryParts } from "./exchange.ts";
import { alignFallbackTag, subjectOfTag } from "./fallback-tag.ts";
import { requireReference } from "./manifest-download.ts";
import { announcedBytes, readBody } from "./request-body.ts";

/** distribution-spec asks for 10 at least. */
const TAGS_LIMIT = 100;

interface Push {
  readonly name: string;
  readonly bytes: Buffer;
  readonly mediaType: string;
  readonly digest: Digest | undefined;
  readonly tags: readonly string[];
}

interface Pushed {
  readonly descriptor: Descriptor;
  readonly subject: Digest | undefined;
}

/** `PUT /v2/<name>/manifests/<reference>` (end-7a, 7b). */
export async function putManifest(parts: RegistryParts, exchange: Exchange, name: string, ref: string): Promise<void> {
  const { req, res } = exchange;
  const reference = requireReference(ref);
  const tags = isTag(reference) ? [reference] : tagParameters(exchange.query);
  const bytes = await readManifest(parts, exchange);
  const mediaType = mediaTypeOf(req.headers["content-type"], bytes);
  const push = { name, bytes, mediaType, digest: isDigest(reference) ? reference : undefined, tags };
  const resource = repositoryResource(parts, name);
  const context = tags[0] === undefined ? {} : { context: await tagFacts(parts, name, tags) };
  const { descriptor, subject } = await perform(
    parts.guard,
    actOf(exchange, "artifact:push", resource, context),
    async (note) => {
      const pushed = await parts.line.run(name, () => store(parts, exchange, push));
      const { digest } = pushed.descriptor;
      note({ digest, mediaType, sizeBytes: bytes.length, ...(tags.length === 0 ? {} : { tags: [...tags] }) });
      return pushed;
    },
  );
  if (isDigest(reference) && tags.length > 0) res.setHeader("OCI-Tag", tags.join(", "));
  sendEmpty(res, 201, {
    Location: `/v2/${name}/manifests/${descriptor.digest}`,
    "Docker-Content-Digest": descriptor.digest,
    ...(subject === undefined ? {} : { "OCI-Subject": subject }),
  });
}

/** What policy may want to know of the tags; with several, `tag` is the first, and the facts hold for any of them. */
async function tagFacts(parts: RegistryParts, name: string, tags: readonly string[]): Promise<JsonObject> {
  const repository = parts.store.repository(name);
  const found = await Promise.all(tags.map((tag) => repository.resolve(tag)));
  return {
    tag: tags[0] ?? "",
    tagExists: found.some((descriptor) => descriptor !== undefined),
    immutable: tags.some((tag) => parts.isImmutable?.(name, tag) === true),
  };
}

/** Runs in the repository's line. */
async function store(parts: RegistryParts, { req }: Exchange, push: Push): Promise<Pushed> {
  const { name, bytes, mediaType, digest, tags } = push;
  const repository = parts.store.repository(name);
  const reference = tags[0] ?? digest;
  const conditions = { ifMatch: req.headers["if-match"], ifNoneMatch: req.headers["if-none-match"] };
  if (reference !== undefined && !mayReplace(conditions, (await repository.resolve(reference))?.digest)) {
    throw registryErrors("registry.precondition-failed", { reference });
  }
  const { manifest } = parseManifest(bytes, mediaType);
  // Indexes may be sparse: a client may want some of the platforms only. An image without its layers is of no use.
  const sparse = isIndexMediaType(mediaType);
  const descriptor = await repository.putManifest(bytes, mediaType, undefined, { sparse, digest, tags });
  const subject = manifest.subject?.digest;
  await alignLists(parts, push, subject);
  return { descriptor, subject };
}

/** The push is done and stays done, even when the list for older clients cannot be mended. */
async function alignLists(parts: RegistryParts, { name, tags }: Push, subject: Digest | undefined): Promise<void> {
  const repository = parts.store.repository(name);
  try {
    if (subject !== undefined) await alignFallbackTag(repository, subject);
    for (const tag of tags) {
      const listed = await subjectOfTag(repository, tag);
      const keep = (await repository.resolve(tag))?.digest;
      if (listed !== undefined) await alignFallbackTag(repository, listed, keep === undefined ? {} : { keep });
    }
  } catch (error) {
    parts.log.warn("a fallback tag could not be aligned", { repository: name, ...describeError(error) });
  }
}

async function readManifest({ limits }: RegistryParts, { req }: Exchange): Promise<Buffer> {
  const tooLarge = (): Error => ociErrors("manifest.too-large", { limitBytes: MANIFEST_LIMIT_BYTES });
  if (announcedBytes(req) > MANIFEST_LIMIT_BYTES) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  const body = readBody(req, { idleMs: limits.idleMs, limitBytes: MANIFEST_LIMIT_BYTES + 1 }, "the manifest");
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MANIFEST_LIMIT_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** What the client says it is; without that, what the manifest says of itself. */
function mediaTypeOf(contentType: string | undefined, bytes: Buffer): string {
  const declared = contentType?.split(";")[0]?.trim() ?? "";
  if (declared !== "" && declared !== "application/json") return declared;
  const inside = /"mediaType"\s*:\s*"([^"\\]{1,255})"/.exec(bytes.subarray(0, 2048).toString("latin1"))?.[1];
  return inside ?? declared;
}

/** Tags to set with a push by digest (end-7b). */
function tagParameters(query: URLSearchParams): string[] {
  const tags = [...new Set(query.getAll("tag"))];
  if (tags.length > TAGS_LIMIT) throw registryErrors("registry.tags-too-many", { limit: TAGS_LIMIT });
  for (const tag of tags) if (!isTag(tag)) throw registryErrors("registry.tag-invalid", { tag: tag.slice(0, 160) });
  return tags;
}
