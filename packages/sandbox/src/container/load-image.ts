// Puts an image into an engine straight from the content store, and makes sure that what the engine holds is that image.
import type Docker from "dockerode";
import { digestOf, hexOf, type Digest } from "@pratique/core";
import { parseManifest, type Descriptor, type LocalRepository } from "@pratique/oci";
import { sandboxErrors } from "../errors.ts";
import { withDeadline, statusOf } from "./engine-call.ts";
import { imageArchive, type ArchiveBlob, type ImageArchive } from "./image-archive.ts";

const LOAD_TIMEOUT_MS = 300_000;
const INSPECT_TIMEOUT_MS = 30_000;

/**
 * Loads an image unless the engine has it. Returns the engine's image id, which is the digest of the configuration
 * (or of the manifest, where the engine keeps images by that).
 * @throws `image.not-runnable`, `image.mismatch`, `sandbox.start-failed`
 */
export async function ensureImage(
  docker: Docker,
  repository: LocalRepository,
  descriptor: Descriptor,
): Promise<string> {
  return await ensureArchive(docker, await archiveOf(repository, descriptor));
}

/** The same for an archive of any origin. */
export async function ensureArchive(docker: Docker, archive: ImageArchive): Promise<string> {
  const known = [archive.config.digest, archive.manifest.digest];
  for (const digest of known) {
    const id = await imageId(docker, digest);
    if (id !== undefined && known.some((digest) => digest === id)) return id;
  }
  await load(docker, archive);
  for (const reference of [archive.config.digest, archive.name]) {
    const id = await imageId(docker, reference);
    if (id === undefined) continue;
    if (known.some((digest) => digest === id)) return id;
    throw sandboxErrors("image.mismatch", { actual: id, expected: archive.config.digest });
  }
  throw sandboxErrors("image.mismatch", { actual: "nothing", expected: archive.config.digest });
}

async function archiveOf(repository: LocalRepository, descriptor: Descriptor): Promise<ImageArchive> {
  const { digest } = descriptor;
  const stored = await repository.manifest(digest);
  if (stored === undefined) throw notRunnable(digest, `${repository.name} does not have it`);
  if (digestOf(stored.bytes, digest.startsWith("sha512:") ? "sha512" : "sha256") !== digest)
    throw sandboxErrors("image.mismatch", { actual: "altered bytes", expected: digest });
  const parsed = parseManifest(stored.bytes, stored.mediaType);
  if (parsed.type !== "image") throw notRunnable(digest, "it is an index; name one of its images");
  const { config, layers } = parsed.manifest;
  const blob = ({ digest, size }: Descriptor): ArchiveBlob => ({
    digest,
    size,
    open: () => repository.openBlob(digest),
  });
  return {
    manifest: { mediaType: stored.mediaType, digest, bytes: stored.bytes },
    config: blob(config),
    layers: layers.map(blob),
    name: `localhost/pratique/sandbox:${hexOf(config.digest).slice(0, 32)}`,
  };
}

function notRunnable(digest: Digest, reason: string): Error {
  return sandboxErrors("image.not-runnable", { digest, reason });
}

async function imageId(docker: Docker, reference: string): Promise<string | undefined> {
  try {
    const { Id } = await withDeadline("look for an image", INSPECT_TIMEOUT_MS, () =>
      docker.getImage(reference).inspect(),
    );
    // podman's own API leaves the algorithm out.
    return Id.includes(":") ? Id : `sha256:${Id}`;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

async function load(docker: Docker, archive: ImageArchive): Promise<void> {
  const source = imageArchive(archive);
  try {
    await withDeadline("load an image", LOAD_TIMEOUT_MS, async () => {
      const answer = await docker.loadImage(source, { quiet: true });
      await drain(answer);
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw sandboxErrors(
      "sandbox.start-failed",
      { name: archive.name, reason: `its image cannot be loaded: ${reason}` },
      { cause },
    );
  } finally {
    source.destroy();
  }
}

/** Reads the progress lines; an `error` among them is one although the status said 200. */
async function drain(answer: NodeJS.ReadableStream): Promise<void> {
  let text = "";
  for await (const chunk of answer) text = (text + String(chunk)).slice(-16_384);
  const error = /"error":\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1];
  if (error !== undefined) throw new Error(error.slice(0, 500));
}
