// What a format cannot say of an artifact, kept beside it in one annotation, so that no conversion loses anything.
import { canonicalJson, isJsonObject, type Digest, type Json, type JsonObject } from "@pratique/core";
import { z } from "zod";
import { pathProblem } from "../archive/entry-path.ts";
import { sortEntries } from "../archive/tar-writer.ts";
import { packagingErrors } from "../errors.ts";
import type { CanonicalArtifact, CanonicalFile } from "./canonical-artifact.ts";

export const RESIDUE_ANNOTATION = "dev.pratique.canonical";
/** A manifest may have 4 MiB; this is for what formats say, not for content. */
const LIMIT_BYTES = 1024 * 1024;

const ARTIFACT_FIELDS = ["name", "version", "description", "metadata", "annotations", "foreign"] as const;
const FILE_FIELDS = ["path", "role", "mode", "mediaType", "modified", "annotations"] as const;

const JsonRecord: z.ZodType<JsonObject> = z.custom<JsonObject>((value) => isJsonObject(value));
const Texts = z.record(z.string(), z.string());

const ArtifactPart = z.strictObject({
  name: z.string().nullable().optional(),
  version: z.string().nullable().optional(),
  description: z.string().nullable().optional(),
  metadata: JsonRecord.optional(),
  annotations: Texts.optional(),
  foreign: z.record(z.string(), JsonRecord).optional(),
});

const FilePart = z.strictObject({
  path: z.string().optional(),
  role: z.string().max(64).optional(),
  mode: z.int().min(0).max(0o777).optional(),
  mediaType: z.string().nullable().optional(),
  modified: z.string().max(64).nullable().optional(),
  annotations: Texts.nullable().optional(),
});

/** `null` stands for what the artifact does not say although the format makes its reader think so. */
const Residue = z.strictObject({
  artifact: ArtifactPart.optional(),
  /** By the digest of the file, and how often it occurred before among those the reader found. */
  files: z.record(z.string(), FilePart).optional(),
});
type Residue = z.infer<typeof Residue>;

type AnyArtifact = CanonicalArtifact<"model" | "mcp-server" | "skill" | "agent" | "image" | "policy" | "catalog">;

/**
 * What `read` (as a format's reader found it) lacks to be `wanted`, as the value of the annotation.
 * @returns undefined when nothing is missing
 */
export function residueOf(wanted: AnyArtifact, read: AnyArtifact): string | undefined {
  const artifact = difference(wanted, read, ARTIFACT_FIELDS);
  const files: Record<string, JsonObject> = {};
  const left = new Map(keyed(read.files));
  const byPath = (a: CanonicalFile, b: CanonicalFile): boolean => a.digest === b.digest && a.path === b.path;
  const missing: CanonicalFile[] = [];
  const keep = (file: CanonicalFile, key: string, found: CanonicalFile): void => {
    left.delete(key);
    const part = difference(file, found, FILE_FIELDS);
    if (Object.keys(part).length > 0) files[key] = part;
  };
  for (const file of wanted.files) {
    const exact = [...left].find(([, found]) => byPath(file, found));
    if (exact === undefined) missing.push(file);
    else keep(file, ...exact);
  }
  for (const file of missing) {
    const same = [...left].find(([, found]) => found.digest === file.digest);
    // A writer that drops a file is wrong, and no annotation can mend it.
    if (same === undefined) throw packagingErrors("artifact.unfaithful", { path: file.path });
    keep(file, ...same);
  }
  const residue = {
    ...(Object.keys(artifact).length === 0 ? {} : { artifact }),
    ...(Object.keys(files).length === 0 ? {} : { files }),
  };
  if (Object.keys(residue).length === 0) return undefined;
  const text = canonicalJson(residue);
  if (Buffer.byteLength(text) > LIMIT_BYTES) {
    const what = `what other formats say of it takes more than ${LIMIT_BYTES} bytes`;
    throw packagingErrors("artifact.too-large", { directory: wanted.name ?? "the artifact", kind: wanted.kind, what });
  }
  return text;
}

/** Puts back what the annotation kept. Something else under that name is no residue and changes nothing. */
export function applyResidue<A extends AnyArtifact>(read: A, annotation: string | undefined): A {
  const residue = parseResidue(annotation);
  if (residue === undefined) return read;
  const byKey = new Map(Object.entries(residue.files ?? {}));
  const files = keyed(read.files).map(([key, file]) => {
    const part = byKey.get(key);
    if (part === undefined) return file;
    const problem = part.path === undefined ? undefined : pathProblem(part.path);
    if (problem !== undefined)
      throw packagingErrors("archive.unsafe", { entry: part.path!.slice(0, 200), reason: problem });
    return withPart(file, part);
  });
  const paths = new Set(files.map(({ path }) => path));
  if (paths.size !== files.length)
    throw packagingErrors("archive.unsafe", { entry: "two files", reason: "they have one name" });
  return { ...withPart(read, residue.artifact ?? {}), files: sortEntries(files) };
}

function parseResidue(annotation: string | undefined): Residue | undefined {
  if (annotation === undefined || Buffer.byteLength(annotation) > LIMIT_BYTES) return undefined;
  try {
    return Residue.safeParse(JSON.parse(annotation)).data;
  } catch {
    return undefined;
  }
}

function keyed(files: readonly CanonicalFile[]): [string, CanonicalFile][] {
  const seen = new Map<Digest, number>();
  return files.map((file) => {
    const before = seen.get(file.digest) ?? 0;
    seen.set(file.digest, before + 1);
    return [before === 0 ? file.digest : `${file.digest}#${before}`, file];
  });
}

function difference<F extends string>(
  wanted: Readonly<Partial<Record<F, unknown>>>,
  read: Readonly<Partial<Record<F, unknown>>>,
  fields: readonly F[],
): JsonObject {
  const part: Record<string, Json> = {};
  for (const field of fields) {
    const [a, b] = [plain(wanted[field]), plain(read[field])];
    if (canonicalJson(a) !== canonicalJson(b)) part[field] = a;
  }
  return part;
}

/** A value as JSON; what is absent is `null`. */
function plain(value: unknown): Json {
  const parsed: Json = JSON.parse(JSON.stringify(value ?? null));
  return parsed;
}

function withPart<T extends object>(value: T, part: Readonly<Record<string, unknown>>): T {
  const kept = Object.entries(value).filter(([key]) => !(key in part));
  const added = Object.entries(part).filter(([, one]) => one !== null && one !== undefined);
  return Object.fromEntries([...kept, ...added]) as T;
}
