// From a directory to an artifact in a repository. The tag appears last, so that nobody sees half of one.
import { basename, resolve } from "node:path";
import type { Clock, JsonObject, Log } from "@pratique/core";
import type { Kind } from "@pratique/contracts";
import type { SbomComponent } from "@pratique/evidence";
import type { Descriptor, LocalRepository } from "@pratique/oci";
import { planAgent } from "./agent/pack-agent.ts";
import { readAgentSource } from "./agent/agent-source.ts";
import { publishPlan, type ArtifactPlan, type Material } from "./artifact-plan.ts";
import { detectKind, isPackable, type PackableKind } from "./detect-kind.ts";
import { packagingErrors } from "./errors.ts";
import { debianBase } from "./mcp-server/debian-base.ts";
import type { BaseImage } from "./mcp-server/base-image.ts";
import type { BundleEntry } from "./mcp-server/raw-bundle.ts";
import { planMcpServer, readMcpServerSource } from "./mcp-server/pack-mcp-server.ts";
import { planModel, readModelSource } from "./model/pack-model.ts";
import type { RunCommand } from "./run-command.ts";
import { planSkill, readSkillSource } from "./skill/pack-skill.ts";

export interface PackDirectoryOptions<Attached = unknown> {
  readonly directory: string;
  readonly kind?: Kind;
  /** Where it goes, or who tells where an artifact of that name goes. */
  readonly repository: LocalRepository | ((name: string) => LocalRepository);
  /** By default the artifact's own version. */
  readonly tag?: string;
  readonly cacheDirectory: string;
  readonly clock: Clock;
  readonly log: Log;
  /** When the artifact says it was created (SOURCE_DATE_EPOCH); by default now, or as before when nothing changed. */
  readonly createdAt?: Date;
  /** What an mcp-server stands on. Make it once, so that concurrent packs share the work. */
  readonly base?: BaseImage;
  /** How an mcp-server becomes one file; by default in this process. */
  readonly bundle?: BundleEntry;
  /** In place of `base`: the node binary for the Debian base. */
  readonly node?: string;
  readonly runCommand?: RunCommand;
  /** Looks at an agent's definition before anything is stored; throws when it is not one that can run. */
  readonly checkAgent?: (text: string, fileName: string) => void;
  readonly onProgress?: (progress: PackProgress) => void;
  /** Runs when the manifest is stored and before its tag appears: for SBOM, provenance and signature. */
  readonly attach?: (repository: LocalRepository, packed: Packed) => Promise<Attached>;
}

export interface PackProgress {
  readonly step: "reading" | "storing" | "attaching" | "done";
  readonly kind?: Kind;
}

export interface Packed {
  readonly kind: Kind;
  readonly name: string;
  readonly version: string;
  readonly descriptor: Descriptor;
  /** Name of the repository, and the tag in it. */
  readonly repository: string;
  readonly tag: string;
  /** Of config and layers together. */
  readonly sizeBytes: number;
  readonly components: readonly SbomComponent[];
  readonly materials: readonly Material[];
  readonly buildType: string;
  readonly externalParameters: JsonObject;
  readonly licences: readonly string[];
}

const DEFAULT_VERSION = "0.1.0";

/** Packs a directory. @throws the codes of packaging, and `store.full`, `oci.storage-full` */
export async function packDirectory<Attached>(
  options: PackDirectoryOptions<Attached> & { attach: NonNullable<PackDirectoryOptions<Attached>["attach"]> },
): Promise<Packed & { readonly attached: Attached }>;
export async function packDirectory(options: PackDirectoryOptions): Promise<Packed>;
export async function packDirectory(options: PackDirectoryOptions): Promise<Packed & { readonly attached?: unknown }> {
  const kind = options.kind ?? (await detectKind(options.directory));
  if (!isPackable(kind)) throw packagingErrors("artifact.kind-not-packable", { kind });
  options.onProgress?.({ step: "reading", kind });
  const source = await sourceOf(kind, options.directory);
  const repository =
    typeof options.repository === "function" ? options.repository(repositoryNameOf(source.name)) : options.repository;
  options.onProgress?.({ step: "storing", kind });
  const plan = await source.plan(repository, options);
  const tag = options.tag ?? tagOf(plan.version);
  const publication = await publishPlan(plan, { repository, tag, clock: options.clock, createdAt: options.createdAt });
  const packed: Packed = {
    kind,
    name: plan.name,
    version: plan.version,
    descriptor: publication.descriptor,
    repository: repository.name,
    tag,
    sizeBytes: publication.sizeBytes,
    components: plan.components,
    materials: plan.materials,
    buildType: plan.buildType,
    externalParameters: externalParametersOf(plan, options, repository.name, tag),
    licences: plan.licences,
  };
  options.onProgress?.({ step: "attaching", kind });
  const attached = await options.attach?.(repository, packed);
  await publication.pointTag();
  options.onProgress?.({ step: "done", kind });
  return options.attach === undefined ? packed : { ...packed, attached };
}

interface DirectorySource {
  readonly name: string;
  plan(repository: LocalRepository, options: PackDirectoryOptions): Promise<ArtifactPlan>;
}

async function sourceOf(kind: PackableKind, directory: string): Promise<DirectorySource> {
  const versionOf = (own: string | undefined, tag: string | undefined): string => own ?? tag ?? DEFAULT_VERSION;
  switch (kind) {
    case "model": {
      const source = await readModelSource(directory);
      const plan: DirectorySource["plan"] = (repository, { tag }) =>
        planModel(source, { repository, version: versionOf(source.version, tag) });
      return { name: source.name, plan };
    }
    case "skill": {
      const source = await readSkillSource(directory);
      const plan: DirectorySource["plan"] = (repository, { tag }) =>
        planSkill(source, { repository, version: versionOf(source.version, tag) });
      return { name: source.frontmatter.name, plan };
    }
    case "agent": {
      const source = await readAgentSource(directory);
      const plan: DirectorySource["plan"] = (repository, { tag, checkAgent }) => {
        checkAgent?.(Buffer.from(source.bytes).toString("utf8"), source.file.path);
        return planAgent(source, { repository, version: versionOf(source.version, tag) });
      };
      return { name: source.name, plan };
    }
    case "mcp-server": {
      const source = await readMcpServerSource(directory);
      const plan: DirectorySource["plan"] = (repository, { base, node, runCommand, bundle, cacheDirectory, log }) => {
        const chosen = base ?? (node === undefined ? undefined : debianBase({ node, runCommand }));
        return planMcpServer(source, { repository, base: chosen, bundle, cacheDirectory, log });
      };
      return { name: source.server.name, plan };
    }
  }
}

/** `Voyage Model` → `voyage-model`: a name that repositories may have. */
function repositoryNameOf(name: string): string {
  const parts = name.toLowerCase().split("/");
  const clean = parts.map((part) =>
    part
      .replace(/[^a-z0-9._-]+/g, "-")
      .replace(/[._-]{2,}/g, "-")
      .replace(/^[._-]+|[._-]+$/g, ""),
  );
  return clean.filter((part) => part !== "").join("/") || "artifact";
}

function tagOf(version: string): string {
  return (
    version
      .replace(/[^A-Za-z0-9._-]/g, "-")
      .replace(/^[.-]+/, "")
      .slice(0, 128) || DEFAULT_VERSION
  );
}

function externalParametersOf(
  plan: ArtifactPlan,
  o: PackDirectoryOptions,
  repository: string,
  tag: string,
): JsonObject {
  const source = { directory: basename(resolve(o.directory)), kind: plan.kind };
  return { ...source, repository, tag, ...(plan.kind === "mcp-server" ? { base: o.base?.name ?? "debian" } : {}) };
}
