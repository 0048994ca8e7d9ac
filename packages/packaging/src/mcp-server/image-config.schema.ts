// The config of a runnable image (image-spec, config.md): the part that is read here.
import { isDigest, readBounded, parseJson, type Digest } from "@pratique/core";
import type { Descriptor, Repository } from "@pratique/oci";
import { z } from "zod";

export const LIMIT_CONFIG = 4 * 1024 * 1024;

const ImageConfigShape = z.looseObject({
  architecture: z.string(),
  os: z.string(),
  config: z
    .looseObject({
      User: z.string().nullish(),
      Env: z.array(z.string()).nullish(),
      Entrypoint: z.array(z.string()).nullish(),
      Cmd: z.array(z.string()).nullish(),
      WorkingDir: z.string().nullish(),
      Labels: z.record(z.string(), z.string()).nullish(),
    })
    .nullish(),
  rootfs: z.looseObject({
    diff_ids: z.array(z.custom<Digest>((value) => typeof value === "string" && isDigest(value))),
  }),
});

export interface ImageConfig {
  readonly architecture: string;
  readonly os: string;
  readonly user: string | undefined;
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly diffIds: readonly Digest[];
}

/** Reads an image's config; `undefined` when it is none. */
export async function readImageConfig(
  repository: Repository,
  descriptor: Descriptor,
): Promise<ImageConfig | undefined> {
  if (descriptor.size > LIMIT_CONFIG) return undefined;
  const bytes = await readBounded(await repository.openBlob(descriptor.digest), LIMIT_CONFIG, "the image's config");
  const parsed = ImageConfigShape.safeParse(parseJson(bytes.toString("utf8"), "the image's config"));
  if (!parsed.success) return undefined;
  const { architecture, os, config, rootfs } = parsed.data;
  return {
    architecture,
    os,
    user: config?.User ?? undefined,
    env: config?.Env ?? [],
    entrypoint: config?.Entrypoint ?? [],
    cmd: config?.Cmd ?? [],
    labels: config?.Labels ?? {},
    diffIds: rootfs.diff_ids,
  };
}
