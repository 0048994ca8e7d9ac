// A descriptor: what a piece of content is, its digest and its size (image-spec, descriptor.md).
import { isDigest, type Digest } from "@pratique/core";
import { z } from "zod";

export interface Platform {
  readonly architecture: string;
  readonly os: string;
  readonly "os.version"?: string | undefined;
  readonly "os.features"?: readonly string[] | undefined;
  readonly variant?: string | undefined;
}

/** Members that this type does not name are kept as they came. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly artifactType?: string | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** Where else the content may be had; layers with `urls` need not be in the repository. */
  readonly urls?: readonly string[] | undefined;
  /** The content itself, in base64. */
  readonly data?: string | undefined;
  readonly platform?: Platform | undefined;
}

export const DigestText: z.ZodType<Digest> = z.custom<Digest>(
  (value) => typeof value === "string" && isDigest(value),
  "not a sha256 or sha512 digest",
);

export const Annotations: z.ZodType<Readonly<Record<string, string>>> = z.record(z.string(), z.string());

const PlatformShape: z.ZodType<Platform> = z.looseObject({
  architecture: z.string(),
  os: z.string(),
  "os.version": z.string().optional(),
  "os.features": z.array(z.string()).optional(),
  variant: z.string().optional(),
});

export const Descriptor: z.ZodType<Descriptor> = z.looseObject({
  mediaType: z.string().min(1).max(255),
  digest: DigestText,
  size: z.int().nonnegative(),
  artifactType: z.string().max(255).optional(),
  annotations: Annotations.optional(),
  urls: z.array(z.string()).optional(),
  data: z.string().optional(),
  platform: PlatformShape.optional(),
});
