// What kind of artifact a directory is: by the one file that each kind must have.
import { readdir } from "node:fs/promises";
import type { Kind } from "@pratique/contracts";
import { packagingErrors } from "./errors.ts";
import { dependsOnMcp } from "./mcp-server/depends-on-mcp.ts";
import { requireDirectory } from "./source-files.ts";

/** The kinds that are made from directories. */
export type PackableKind = Extract<Kind, "model" | "mcp-server" | "skill" | "agent" | "policy" | "catalog">;

/** The file by which a kind is known, and how to say what it needs. */
const MARKS: readonly { kind: PackableKind; needs: string; isMark(names: readonly string[]): boolean }[] = [
  {
    kind: "model",
    needs: "weights: *.gguf, *.safetensors, *.onnx or *.dduf",
    isMark: (names) => names.some((name) => name.toLowerCase().endsWith(".gguf")),
  },
  {
    kind: "mcp-server",
    needs: "a server.json, or a dependency on an MCP SDK",
    isMark: (names) => names.includes("server.json"),
  },
  {
    kind: "skill",
    needs: "a SKILL.md",
    isMark: (names) => names.includes("SKILL.md") || names.includes("skill.md"),
  },
  {
    kind: "agent",
    needs: "an agent.yaml",
    isMark: (names) => names.includes("agent.yaml") || names.includes("agent.yml"),
  },
  {
    kind: "policy",
    needs: "a *.cedar file",
    isMark: (names) => names.some((name) => name.endsWith(".cedar")),
  },
  {
    kind: "catalog",
    needs: "a catalog.yaml",
    isMark: (names) => names.includes("catalog.yaml") || names.includes("catalog.yml"),
  },
];

const OTHER_WEIGHTS = /\.(?:safetensors|onnx|dduf|pt|pth|ckpt)$|^pytorch_model.*\.bin$/i;

export function isPackable(kind: Kind): kind is PackableKind {
  return MARKS.some((mark) => mark.kind === kind);
}

/**
 * Tells a directory's kind.
 * @throws `artifact.unknown-kind` with what each kind needs, `artifact.ambiguous-kind`, `artifact.no-directory`
 */
export async function detectKind(directory: string): Promise<PackableKind> {
  await requireDirectory(directory);
  const names = (await readdir(directory, { withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map(({ name }) => name);
  const kinds = MARKS.filter((mark) => mark.isMark(names)).map(({ kind }) => kind);
  // Servers and skills may carry such weights; a directory that is nothing else is a model.
  if (kinds.length === 0 && names.some((name) => OTHER_WEIGHTS.test(name))) return "model";
  if (kinds.length === 0 && (await dependsOnMcp(directory))) return "mcp-server";
  const [first, ...others] = kinds;
  if (first === undefined) {
    throw packagingErrors(
      "artifact.unknown-kind",
      { directory },
      { details: { needs: Object.fromEntries(MARKS.map(({ kind, needs }) => [kind, needs])) } },
    );
  }
  if (others.length > 0) {
    throw packagingErrors("artifact.ambiguous-kind", { directory, kinds: kinds.join(", "), first });
  }
  return first;
}
