// From a directory to an artifact in a repository. The tag appears last, so that nobody sees half of one.
import { basename, resolve } from "node:path";
import type { Kind } from "@pratique/contracts";
import { planAgent } from "./agent/pack-agent.ts";
import { readAgentSource } from "./agent/agent-source.ts";
import { planCatalog, readCatalogSource } from "./catalog/pack-catalog.ts";
import { detectKind, isPackable, type PackableKind } from "./detect-kind.ts";
import { packagingErrors } from "./errors.ts";
import { putFilesAtOnce } from "./file-layer.ts";
import { isPythonDirectory, readPythonDirectory, serverOfPythonDirectory } from "./mcp-server/python-directory.ts";
import { readNodeDirectory, serverOfNodeDirectory } from "./mcp-server/server-from-directory.ts";
import { baseFor, planServerImage } from "./mcp-server/server-image.ts";
import { serverRepository } from "./mcp-server/server-labels.ts";
import { serverImageOptions } from "./mcp-server/server-options.ts";
import { isTarFormat, planModel } from "./model/pack-model.ts";
import { readModelSource } from "./model/model-source.ts";
import { DEFAULT_VERSION, packSource, type Packed, type PackSourceOptions, type PlannedSource } from "./pack-source.ts";
import { planPolicy, readPolicySource } from "./policy/pack-policy.ts";
import { planSkill, readSkillSource } from "./skill/pack-skill.ts";

export interface PackDirectoryOptions<Attached = unknown> extends PackSourceOptions<Attached> {
  readonly directory: string;
  readonly kind?: Kind;
}

/** Packs a directory. @throws the codes of packaging, and `store.full`, `oci.storage-full` */
export async function packDirectory<Attached>(
  options: PackDirectoryOptions<Attached> & { attach: NonNullable<PackDirectoryOptions<Attached>["attach"]> },
): Promise<Packed & { readonly attached: Attached }>;
export async function packDirectory(options: PackDirectoryOptions): Promise<Packed>;
export async function packDirectory(options: PackDirectoryOptions): Promise<Packed & { readonly attached?: unknown }> {
  const kind = options.kind ?? (await detectKind(options.directory));
  if (!isPackable(kind)) throw packagingErrors("artifact.kind-not-packable", { kind });
  if (kind !== "model" && options.model !== undefined) {
    throw packagingErrors("artifact.not-a-model", { directory: options.directory, kind });
  }
  options.onProgress?.({ step: "reading", kind });
  const source = await sourceOf(kind, options.directory);
  return await packSource(
    { ...source, kind, parameters: { directory: basename(resolve(options.directory)) } },
    options,
  );
}

async function sourceOf(kind: PackableKind, directory: string): Promise<PlannedSource> {
  const versionOf = (own: string | undefined, tag: string | undefined): string => own ?? tag ?? DEFAULT_VERSION;
  switch (kind) {
    case "model": {
      const source = await readModelSource(directory);
      const plan: PlannedSource["plan"] = async (repository, { tag, model = {} }) => {
        if (!isTarFormat(model)) await putFilesAtOnce(repository, source.files);
        return planModel(source, { repository, version: versionOf(source.version, tag), ...model });
      };
      return { name: source.name, plan };
    }
    case "skill": {
      const source = await readSkillSource(directory);
      const plan: PlannedSource["plan"] = (repository, { tag }) =>
        planSkill(source, { repository, version: versionOf(source.version, tag) });
      return { name: source.frontmatter.name, plan };
    }
    case "agent": {
      const source = await readAgentSource(directory);
      const plan: PlannedSource["plan"] = (repository, { tag, checkAgent }) => {
        checkAgent?.(Buffer.from(source.bytes).toString("utf8"), source.file.path);
        return planAgent(source, { repository, version: versionOf(source.version, tag) });
      };
      return { name: source.name, plan };
    }
    case "policy": {
      const source = await readPolicySource(directory);
      const plan: PlannedSource["plan"] = (repository, { tag }) =>
        planPolicy(source, { repository, version: versionOf(undefined, tag) });
      return { name: source.name, plan };
    }
    case "catalog": {
      const source = await readCatalogSource(directory);
      return { name: source.catalog.name, plan: (repository) => planCatalog(source, repository) };
    }
    case "mcp-server":
      return serverSource(directory);
  }
}

/** A Node server becomes one file, a Python server its files and their wheels. */
async function serverSource(directory: string): Promise<PlannedSource> {
  if (await isPythonDirectory(directory)) {
    const source = await readPythonDirectory(directory);
    const plan: PlannedSource["plan"] = async (repository, options) => {
      const base = await baseFor("python", serverImageOptions(repository, options));
      const found = await serverOfPythonDirectory(source, base.python, options);
      try {
        return await planServerImage(found, base, repository);
      } finally {
        await found.close();
      }
    };
    return { name: serverRepository(source.server.name), plan };
  }
  const source = await readNodeDirectory(directory);
  const plan: PlannedSource["plan"] = async (repository, options) => {
    const preparing = baseFor("node", serverImageOptions(repository, options));
    const found = await serverOfNodeDirectory(source, options.bundle);
    return planServerImage(found, await preparing, repository);
  };
  return { name: serverRepository(source.server.name), plan };
}
