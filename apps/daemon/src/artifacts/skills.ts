// The desk for skills: brings them in from anywhere, says what is wrong with them, writes them in other formats.
import type {
  Principal,
  SkillCheckResult,
  SkillConvertRequest,
  SkillImportResult,
  SkillTarget,
  SkillVariantsRequest,
} from "@pratique/contracts";
import { algorithmOf, hexOf, type Clock } from "@pratique/core";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import {
  copyArtifact,
  formatReference,
  MEDIA_TYPES,
  parseReference,
  type ContentStore,
  type Manifest,
  type Reference,
} from "@pratique/oci";
import {
  checkFoundSkill,
  encodeSkillVariants,
  parseGitSource,
  parsePlatform,
  packSource,
  readArtifact,
  skillFromArchive,
  skillFromArtifact,
  skillFromDirectory,
  skillFromGit,
  skillFromWeb,
  skillSource,
  type CheckedSkill,
  type FoundSkill,
  type Material,
  type RunCommand,
  type SkillFormat,
  type SkillVariant,
} from "@pratique/packaging";
import { randomUUID } from "node:crypto";
import { lstat, mkdir } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { daemonErrors } from "../errors.ts";
import type { SbomDesk } from "../sboms/sbom-desk.ts";
import { repositoryResource, systemResource, type Artifacts } from "./artifacts.ts";
import { isOwnRegistry, type Found } from "./find-artifact.ts";

export interface SkillsOptions {
  readonly artifacts: Artifacts;
  readonly store: ContentStore;
  readonly guard: Guard;
  /** `localhost:7340`. */
  readonly registry: string;
  readonly cacheDirectory: string;
  readonly runCommand: RunCommand;
  readonly sboms: SbomDesk;
  readonly clock: Clock;
}

const DEFAULT_PORT: Readonly<Record<string, number>> = { "https:": 443, "http:": 80, "file:": 0 };

export class Skills {
  readonly #options: SkillsOptions;

  constructor(options: SkillsOptions) {
    this.#options = options;
  }

  /** What is in a place, and what the specification says of it. */
  async check(principal: Principal, source: string): Promise<SkillCheckResult> {
    const { guard } = this.#options;
    const act = {
      principal,
      action: "admin:read",
      resource: systemResource,
      details: { skill: shown(source) },
    } as const;
    const found = allowedOrThrow(await guard.perform(act, () => this.#read(principal, source)));
    const { frontmatter, warnings } = checkFoundSkill(found, true);
    return {
      source: found.source,
      name: frontmatter.name,
      description: frontmatter.description,
      isValid: warnings.length === 0,
      warnings: [...warnings],
      files: found.files.map(({ path }) => path).toSorted(),
    };
  }

  /** Packs a skill from wherever it is, with SBOM and provenance as any other. */
  async import(
    principal: Principal,
    request: {
      readonly source: string;
      readonly reference?: string | undefined;
      readonly lenient: boolean;
      readonly format?: SkillFormat;
    },
  ): Promise<SkillImportResult> {
    const { artifacts } = this.#options;
    const { lenient, format = "agentskills" } = request;
    let found: FoundSkill | undefined;
    let checked: CheckedSkill | undefined;
    const packed = await artifacts.packOther(
      principal,
      {
        name: shown(request.source),
        pack: async (packing) => {
          found = await this.#read(principal, request.source);
          checked = checkFoundSkill(found, lenient);
          return packSource(skillSource(found, checked, format), packing);
        },
      },
      request.reference,
    );
    return {
      source: found?.source ?? request.source,
      reference: packed.reference,
      digest: packed.digest,
      warnings: [...(checked?.warnings ?? [])],
    };
  }

  async #read(principal: Principal, source: string): Promise<FoundSkill> {
    const { cacheDirectory, runCommand, artifacts } = this.#options;
    await mkdir(cacheDirectory, { recursive: true, mode: 0o700 });
    if (source.startsWith("git+")) {
      const git = parseGitSource(source);
      await this.#mayReach(principal, new URL(git.url));
      return skillFromGit(git, { directory: join(cacheDirectory, `git-${randomUUID()}`), runCommand });
    }
    if (/^https?:\/\//.test(source)) {
      const url = URL.parse(source);
      if (url !== null) await this.#mayReach(principal, url);
      return skillFromWeb(source, { fetch, temporaryDirectory: cacheDirectory });
    }
    if (isAbsolute(source)) {
      const status = await lstat(source).catch(() => undefined);
      return status?.isDirectory() === true ? skillFromDirectory(source) : skillFromArchive(source);
    }
    const found = await artifacts.find(source);
    const pulled = await this.#options.guard.perform(
      { principal, action: "artifact:pull", resource: await artifacts.resource(found) },
      async () => skillFromArtifact(found.repository, await manifestOf(found)),
    );
    return allowedOrThrow(pulled);
  }

  async #mayReach(principal: Principal, url: URL): Promise<void> {
    const port = url.port === "" ? (DEFAULT_PORT[url.protocol] ?? 443) : Number(url.port);
    const name = url.hostname === "" ? "localhost" : url.hostname;
    const resource = { type: "Host", id: `${name}:${port}`, attributes: { name, port } } as const;
    const outcome = await this.#options.guard.perform(
      { principal, action: "egress:connect", resource },
      async () => undefined,
    );
    allowedOrThrow(outcome);
  }

  /** Writes a skill in another format, under another reference. */
  async convert(principal: Principal, request: SkillConvertRequest): Promise<SkillTarget> {
    const { reference: source, target: reference, format } = request;
    const { reference: made, digest } = await this.import(principal, { source, reference, format, lenient: true });
    return { reference: made, digest };
  }

  /** Makes one reference of a skill's variants. */
  async variants(principal: Principal, request: SkillVariantsRequest): Promise<SkillTarget> {
    const { artifacts, guard, store } = this.#options;
    return this.#publish(principal, request.target, async (target) => {
      const repository = store.repository(target.repository);
      const variants: SkillVariant[] = [];
      for (const { platform, reference } of request.variants) {
        const found = await artifacts.find(reference);
        const pull = { principal, action: "artifact:pull", resource: await artifacts.resource(found) } as const;
        const copy = async () =>
          copyArtifact(found.repository, repository, found.descriptor.digest, { referrers: true });
        allowedOrThrow(await guard.perform(pull, copy));
        const info = await readArtifact(found.repository, found.descriptor.digest);
        const name = info.kind === "skill" ? info.skill.name : "";
        variants.push({ manifest: await manifestOf(found), platform: parsePlatform(platform), name });
      }
      return {
        bytes: encodeSkillVariants(variants),
        mediaType: MEDIA_TYPES.imageIndex,
        materials: variants.map(({ manifest: { descriptor }, platform: { os, architecture } }, at) => ({
          uri: `pratique:skill/${request.variants[at]?.reference ?? ""}`,
          digest: { [algorithmOf(descriptor.digest)]: hexOf(descriptor.digest) },
          name: `${os}/${architecture}`,
        })),
      };
    });
  }

  async #publish(
    principal: Principal,
    reference: string,
    make: (target: Reference) => Promise<{ bytes: Uint8Array; mediaType: string; materials: readonly Material[] }>,
  ): Promise<SkillTarget> {
    const { guard, registry, store, artifacts, sboms, clock } = this.#options;
    const target = parseReference(reference, { registry, tag: "latest" });
    if (!isOwnRegistry(target.registry, registry)) throw daemonErrors("reference.not-local", { reference });
    const { tag } = target;
    const outcome = await guard.perform(
      {
        principal,
        action: "artifact:push",
        resource: repositoryResource(target.repository, registry),
        ...(tag === undefined ? {} : { context: { tag } }),
      },
      async (_decision, note) => {
        const startedOn = clock.now();
        const { bytes, mediaType, materials } = await make(target);
        const repository = store.repository(target.repository);
        const descriptor = await repository.putManifest(bytes, mediaType);
        await artifacts.attestBuild(repository, descriptor, {
          buildType: "https://pratique.dev/build-types/variants/skill/v1",
          externalParameters: { target: formatReference({ ...target, registry }) },
          materials,
          startedOn,
          documentOf: (member) => sboms.attestedDocument(repository, member),
        });
        await repository.putManifest(bytes, mediaType, tag);
        note({ digest: descriptor.digest, ...(tag === undefined ? {} : { tags: [tag] }) });
        return descriptor;
      },
    );
    const { digest } = allowedOrThrow(outcome);
    return { reference: formatReference({ ...target, registry }), digest };
  }
}

export async function manifestOf(found: Found): Promise<Manifest> {
  const manifest = await found.repository.manifest(found.descriptor.digest);
  if (manifest === undefined) throw daemonErrors("artifact.not-found", { reference: found.reference });
  return manifest;
}

/** An address without what may be secret in it. */
function shown(source: string): string {
  return source.replace(/\/\/[^/@\s]*@/, "//").slice(0, 300);
}
