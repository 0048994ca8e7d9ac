// The files of a skill, whatever shape it has in its registry: read whole, bounded, below the directory of its SKILL.md.
import { isDigest, readBounded } from "@pratique/core";
import { parseManifest, type Descriptor, type Manifest, type Platform, type Repository } from "@pratique/oci";
import { verifiedBlob } from "../archive/verified-blob.ts";
import { pathProblem } from "../archive/entry-path.ts";
import { gunzipStream } from "../archive/gzip.ts";
import { readTar } from "../archive/tar-reader.ts";
import { packagingErrors } from "../errors.ts";
import { skillShapeOf, type SkillShape } from "./shapes.ts";
import { SKILL_LIMITS } from "./skill-media-types.ts";

export interface SkillFile {
  /** Below the skill's directory: `SKILL.md`, `scripts/run.sh`. */
  readonly path: string;
  readonly executable: boolean;
  readonly bytes: Buffer;
}

export interface SkillContent {
  readonly shape: SkillShape;
  /** The directory that its SKILL.md lay in; undefined at the top. */
  readonly directory: string | undefined;
  readonly files: readonly SkillFile[];
}

const LIMITS = { maxEntries: 4 * SKILL_LIMITS.maxFiles, maxBytes: SKILL_LIMITS.maxBytes };
const TITLE = "org.opencontainers.image.title";
const WHITEOUT = /(?:^|\/)\.wh\./;

/** @throws `skill.not-found`, `archive.*`, `artifact.malformed` */
export async function readSkillContent(repository: Repository, manifest: Manifest): Promise<SkillContent> {
  const parsed = parseManifest(manifest.bytes, manifest.mediaType);
  const reference = `${repository.name}@${manifest.descriptor.digest}`;
  if (parsed.type === "index")
    throw packagingErrors("artifact.malformed", { reference, kind: "skill", reason: "it is an index" });
  const shape = skillShapeOf(parsed);
  const { layers } = parsed.manifest;
  const files =
    shape === "agentskills-files"
      ? await titledFiles(repository, layers)
      : await archivedFiles(repository, layers, shape);
  return { shape, ...belowSkillFile(files, shape, reference) };
}

/** One raw layer a file, named by its title. */
async function titledFiles(repository: Repository, layers: readonly Descriptor[]): Promise<Map<string, SkillFile>> {
  const files = new Map<string, SkillFile>();
  let left = SKILL_LIMITS.maxBytes;
  if (layers.length > SKILL_LIMITS.maxFiles) throw packagingErrors("archive.too-large", { what: "too many files" });
  for (const layer of layers) {
    const path = layer.annotations?.[TITLE] ?? "";
    const reason = pathProblem(path);
    if (reason !== undefined) throw packagingErrors("archive.unsafe", { entry: path.slice(0, 200), reason });
    if (files.has(path)) throw packagingErrors("archive.unsafe", { entry: path, reason: "it is there twice" });
    const bytes = await readBounded(verifiedBlob(repository, layer), left, "the skill");
    left -= bytes.length;
    files.set(path, { path, executable: bytes.subarray(0, 2).toString("latin1") === "#!", bytes });
  }
  return files;
}

/** Tar archives, one on top of the other as in an image. */
async function archivedFiles(
  repository: Repository,
  layers: readonly Descriptor[],
  shape: SkillShape,
): Promise<Map<string, SkillFile>> {
  const files = new Map<string, SkillFile>();
  let left = SKILL_LIMITS.maxBytes;
  for (const layer of layers) {
    if (!/tar(?:[+.]gzip)?$/.test(layer.mediaType)) continue;
    const blob = verifiedBlob(repository, layer);
    const tar = layer.mediaType.endsWith("gzip") ? gunzipStream(blob) : blob;
    // Images may hold links elsewhere than in the skill; they are never followed, and left out.
    for await (const entry of readTar(tar, { ...LIMITS, maxBytes: left }, { symlinks: shape === "image" })) {
      if (entry.type !== "file" || WHITEOUT.test(entry.path)) continue;
      const bytes = await readBounded(entry.body, left, "the skill");
      left -= bytes.length;
      files.set(entry.path, { path: entry.path, executable: (entry.mode & 0o100) !== 0, bytes });
    }
  }
  return files;
}

/** The SKILL.md that lies highest is the skill's. Only an image may hold more than its directory. */
export function belowSkillFile(
  files: ReadonlyMap<string, SkillFile>,
  shape: SkillShape,
  reference: string,
): Omit<SkillContent, "shape"> {
  const depth = (path: string): number => path.split("/").length;
  const mains = [...files.keys()].filter((path) => /(?:^|\/)(?:SKILL|skill)\.md$/.test(path));
  const [main] = mains.toSorted((a, b) => depth(a) - depth(b) || (a < b ? -1 : 1));
  if (main === undefined) throw packagingErrors("skill.not-found", { source: reference });
  const root = main.slice(0, main.lastIndexOf("/") + 1);
  const inside = [...files.values()].filter(({ path }) => path.startsWith(root));
  const outside = [...files.keys()].find((path) => !path.startsWith(root));
  if (outside !== undefined && shape !== "image") {
    throw packagingErrors("archive.unsafe", { entry: outside, reason: `it is not below ${root}` });
  }
  if (inside.length > SKILL_LIMITS.maxFiles) throw packagingErrors("archive.too-large", { what: "too many files" });
  return {
    directory: root === "" ? undefined : root.slice(0, -1).split("/").at(-1),
    files: inside.map((file) => ({ ...file, path: file.path.slice(root.length) })),
  };
}

/** The manifest of an index for a platform: an exact one, then one for the system, then one for all. */
export async function platformManifest(
  repository: Repository,
  manifest: Manifest,
  platform: Platform,
): Promise<Manifest | undefined> {
  const parsed = parseManifest(manifest.bytes, manifest.mediaType);
  if (parsed.type !== "index") return manifest;
  const fits = (one: Descriptor): number => {
    if (one.platform === undefined) return 1;
    if (one.platform.os !== platform.os) return 0;
    return one.platform.architecture === platform.architecture ? 3 : 0;
  };
  const [best] = parsed.manifest.manifests.filter((one) => fits(one) > 0).toSorted((a, b) => fits(b) - fits(a));
  return best === undefined || !isDigest(best.digest) ? undefined : repository.manifest(best.digest);
}

/** The platform of this machine, as images name it. */
export function hostPlatform(): Platform {
  return {
    os: process.platform === "darwin" ? "darwin" : "linux",
    architecture: process.arch === "x64" ? "amd64" : process.arch,
  };
}
