// The kinds of artifact (DESIGN: words).
import { z } from "zod";

export const Kind: z.ZodEnum<{
  model: "model";
  "mcp-server": "mcp-server";
  skill: "skill";
  agent: "agent";
  image: "image";
  policy: "policy";
  catalog: "catalog";
}> = z.enum(["model", "mcp-server", "skill", "agent", "image", "policy", "catalog"]);
export type Kind = z.infer<typeof Kind>;

/** OCI annotation that names an artifact's kind. */
export const KIND_ANNOTATION = "dev.pratique.kind";
