// OpenSSF Model Signing: the statement about a model's files (model-transparency, predicate v1.0, and v0.1 of its release 0.2).
import { createHash } from "node:crypto";
import { z } from "zod";

export const OMS_PREDICATE = "https://model_signing/signature/v1.0";
/** Written by release 0.2; each file is a subject of its own. */
const OMS_PREDICATE_COMPAT = "https://model_signing/Digests/v0.1";

/** What the reference signer leaves out (model_signing 1.1): its own signature, and git's files. */
export const OMS_IGNORED = ["model.sig", ".git", ".gitattributes", ".github", ".gitignore"] as const;

/** A file, or with `method: "shards"` a piece of one, named `path:start:end`. */
export interface OmsResource {
  readonly name: string;
  readonly algorithm: OmsHash;
  /** Hexadecimal. */
  readonly digest: string;
}

export type OmsHash = "sha256" | "blake2b" | "blake3";

export interface OmsStatement {
  readonly modelName: string;
  /** SHA-256 over the raw digests in listed order; absent in the old form. */
  readonly root: string | undefined;
  readonly resources: readonly OmsResource[];
  readonly hash: OmsHash;
  /** Bytes of a shard, when files were hashed in pieces. */
  readonly shardBytes: number | undefined;
  /** What the signer hid from the signature: shown to whoever verifies. */
  readonly ignored: readonly string[];
}

export type ReadOmsStatement =
  | { readonly ok: true; readonly statement: OmsStatement }
  | { readonly ok: false; readonly detail: string };

const RESOURCE_LIMIT = 100_000;
const Hex = z.string().regex(/^(?:[0-9a-f]{64}|[0-9a-f]{128})$/);
const Name = z.string().min(1).max(4096);
const Subject = z.looseObject({ name: Name, digest: z.looseObject({ sha256: Hex }) });

const Current = z.looseObject({
  _type: z.literal("https://in-toto.io/Statement/v1"),
  predicateType: z.literal(OMS_PREDICATE),
  subject: z.array(Subject).length(1),
  predicate: z.looseObject({
    serialization: z.looseObject({
      method: z.enum(["files", "shards"]),
      hash_type: z.string(),
      shard_size: z.int().positive().optional(),
      ignore_paths: z.array(Name).max(1000).default([]),
    }),
    resources: z
      .array(z.looseObject({ name: Name, algorithm: z.string(), digest: Hex }))
      .min(1)
      .max(RESOURCE_LIMIT),
  }),
});

const Compat = z.looseObject({
  _type: z.literal("https://in-toto.io/Statement/v1"),
  predicateType: z.literal(OMS_PREDICATE_COMPAT),
  subject: z.array(Subject).min(1).max(RESOURCE_LIMIT),
});

/** By path component, as the reference sorts (PurePosixPath): `sub/tok.json` comes before `sub-a`. */
export function compareOmsNames(a: string, b: string): number {
  const left = a.split("/");
  const right = b.split("/");
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    // Python compares code points, as bytes of UTF-8 do and JavaScript's strings do not.
    const order = Buffer.compare(Buffer.from(left[index] ?? ""), Buffer.from(right[index] ?? ""));
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** The root of a list of resources, in the order they stand. */
export function omsRootOf(resources: readonly Pick<OmsResource, "digest">[]): string {
  const hash = createHash("sha256");
  for (const { digest } of resources) hash.update(Buffer.from(digest, "hex"));
  return hash.digest("hex");
}

/** The payload of a new statement over whole files; returned with its root. */
export function encodeOmsStatement(
  modelName: string,
  files: readonly { readonly name: string; readonly sha256: string }[],
  ignored: readonly string[],
): { readonly payload: Buffer; readonly root: string } {
  const resources = files
    .toSorted((a, b) => compareOmsNames(a.name, b.name))
    .map(({ name, sha256 }) => ({ name, algorithm: "sha256", digest: sha256 }));
  const root = omsRootOf(resources);
  const serialization = {
    method: "files",
    hash_type: "sha256",
    allow_symlinks: false,
    ...(ignored.length === 0 ? {} : { ignore_paths: ignored }),
  };
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: modelName, digest: { sha256: root } }],
    predicateType: OMS_PREDICATE,
    predicate: { serialization, resources },
  };
  return { payload: Buffer.from(JSON.stringify(statement)), root };
}

/** Reads a verified payload. The root must be that of the resources, and no name may stand there twice. */
export function readOmsStatement(payload: Uint8Array): ReadOmsStatement {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    return no("what was signed is not JSON");
  }
  const compat = Compat.safeParse(json);
  const read = compat.success ? readCompat(compat.data) : readCurrent(json);
  if (!read.ok) return read;
  const { resources } = read.statement;
  if (new Set(resources.map(({ name }) => name)).size !== resources.length) return no("it lists a file twice");
  return read;
}

function readCurrent(json: unknown): ReadOmsStatement {
  const form = Current.safeParse(json);
  if (!form.success) return no(`what was signed is no model statement (at ${form.error.issues[0]?.path.join(".")})`);
  const { subject, predicate } = form.data;
  const { method, hash_type, shard_size, ignore_paths } = predicate.serialization;
  const hash = hashOf(hash_type);
  if (hash === undefined) return no(`files were hashed with ${hash_type.slice(0, 40)}, which is not known here`);
  if (method === "shards" && shard_size === undefined) return no("it does not say how large its shards are");
  const resources: OmsResource[] = [];
  for (const { name, algorithm, digest } of predicate.resources) {
    // `sha256-sharded-1000000000` is how shards name their hash.
    if (hashOf(algorithm.replace(/-sharded-\d+$/, "")) !== hash) return no("its files were hashed in several ways");
    resources.push({ name, algorithm: hash, digest });
  }
  const root = omsRootOf(resources);
  if (root !== subject[0]?.digest.sha256) return no("its root is not that of its files");
  return {
    ok: true,
    statement: {
      modelName: subject[0].name,
      root,
      resources,
      hash,
      shardBytes: method === "shards" ? shard_size : undefined,
      ignored: ignore_paths,
    },
  };
}

function readCompat({ subject }: z.infer<typeof Compat>): ReadOmsStatement {
  const resources = subject.map(({ name, digest }) => ({ name, algorithm: "sha256" as const, digest: digest.sha256 }));
  // That release always left these out, and did not say so.
  const ignored = OMS_IGNORED;
  return {
    ok: true,
    statement: { modelName: "", root: undefined, resources, hash: "sha256", shardBytes: undefined, ignored },
  };
}

function hashOf(name: string): OmsHash | undefined {
  return name === "sha256" || name === "blake2b" || name === "blake3" ? name : undefined;
}

function no(detail: string): ReadOmsStatement {
  return { ok: false, detail };
}
