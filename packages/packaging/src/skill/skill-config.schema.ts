// The config of an agentskills artifact (schemaVersion 1; another version is refused).
import { parseJson, readBounded } from "@pratique/core";
import type { Descriptor, Repository } from "@pratique/oci";
import { z } from "zod";

const LIMIT_CONFIG = 256 * 1024;

const SkillConfigShape = z.looseObject({
  schemaVersion: z.literal("1"),
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}[a-z0-9]$/),
  version: z.string().max(255).optional(),
  description: z.string().min(1).max(1024),
  license: z.string().optional(),
  compatibility: z.string().optional(),
  allowedTools: z.array(z.string()).optional(),
  metadata: z.record(z.string(), z.string()).optional(),
});

export interface SkillConfig {
  readonly name: string;
  readonly version: string | undefined;
  readonly description: string;
  readonly license: string | undefined;
  readonly compatibility: string | undefined;
  readonly allowedTools: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
}

export async function readSkillConfig(
  repository: Repository,
  descriptor: Descriptor,
  malformed: (reason: string) => Error,
): Promise<SkillConfig> {
  if (descriptor.size > LIMIT_CONFIG) throw malformed("its config is too large");
  const bytes = await readBounded(await repository.openBlob(descriptor.digest), LIMIT_CONFIG, "the skill's config");
  const parsed = SkillConfigShape.safeParse(parseJson(bytes.toString("utf8"), "the skill's config"));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw malformed(
      `its config is wrong at ${issue?.path.map(String).join(".") ?? "the top"}: ${issue?.message ?? ""}`,
    );
  }
  const { name, version, description, license, compatibility, allowedTools, metadata } = parsed.data;
  return {
    name,
    version,
    description,
    license,
    compatibility,
    allowedTools: allowedTools ?? [],
    metadata: metadata ?? {},
  };
}
