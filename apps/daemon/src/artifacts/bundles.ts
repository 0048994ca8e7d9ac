// Artifacts that leave as one file and come in from files: bundles, image archives, layouts.
import type { BundleSaveResult, ImportRequest, ImportResult, Principal } from "@pratique/contracts";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { copyArtifact, formatReference, parseReference, type ContentStore, type Reference } from "@pratique/oci";
import { kindOfManifest, openImageSource, planBundle, type FoundImage, type ImageSource } from "@pratique/packaging";
import { syncDirectory } from "@pratique/store";
import { randomUUID } from "node:crypto";
import { access, constants, open, rename, rm, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, basename } from "node:path";
import { daemonErrors } from "../errors.ts";
import type { SbomDesk } from "../sboms/sbom-desk.ts";
import type { AgentLocks } from "./agent-locks.ts";
import { repositoryResource, systemResource, type Artifacts } from "./artifacts.ts";
import type { Found } from "./find-artifact.ts";

export interface BundlesOptions {
  readonly artifacts: Artifacts;
  readonly locks: AgentLocks;
  readonly store: ContentStore;
  readonly guard: Guard;
  /** `localhost:7340`. */
  readonly registry: string;
  /** Makes a bill of materials for what comes without one. */
  readonly sboms?: Pick<SbomDesk, "ensure">;
}

export class Bundles {
  readonly #options: BundlesOptions;

  constructor(options: BundlesOptions) {
    this.#options = options;
  }

  /** Writes artifacts, what agents among them name, and all evidence into one archive. It appears when it is whole. */
  async save(
    principal: Principal,
    request: { readonly references: readonly string[]; readonly file: string; readonly force: boolean },
    signal: AbortSignal,
  ): Promise<BundleSaveResult> {
    const { guard, artifacts } = this.#options;
    const file = absolute(request.file);
    const outcome = await guard.perform(
      // A file of the host is written: not for whoever may merely pull.
      { principal, action: "admin:write", resource: systemResource, details: { bundle: file } },
      async (_decision, note) => {
        if (!request.force && (await isThere(file))) throw daemonErrors("bundle.file-exists", { file });
        await requireWritable(dirname(file));
        const members = await this.#withMembers(request.references);
        for (const found of members) {
          const resource = await artifacts.resource(found);
          const pulled = await guard.perform({ principal, action: "artifact:pull", resource }, async () => undefined);
          allowedOrThrow(pulled);
        }
        const bundle = await planBundle(
          members.map((found) => ({
            name: localName(found.reference),
            repository: found.repository,
            digest: found.descriptor.digest,
          })),
        );
        await writeWhole(file, bundle.bytes(), signal);
        note({ artifacts: members.length, sizeBytes: bundle.sizeBytes });
        const listed = members.map(({ reference, descriptor: { digest } }) => ({ reference, digest }));
        return { file, artifacts: listed, blobs: bundle.blobs, sizeBytes: bundle.sizeBytes };
      },
    );
    return allowedOrThrow(outcome);
  }

  async #withMembers(references: readonly string[]): Promise<Found[]> {
    const { artifacts, locks } = this.#options;
    const found = new Map<string, Found>();
    for (const reference of references) {
      const one = await artifacts.find(reference);
      const members = one.kind === "agent" ? (await locks.members(one)).map((member) => member.found) : [one];
      for (const member of members) found.set(`${member.reference} ${member.descriptor.digest}`, member);
    }
    return [...found.values()];
  }

  /** Brings in what an archive or layout holds: all of it under its own names, or one image under a name given. */
  async import(principal: Principal, request: ImportRequest): Promise<ImportResult> {
    const { guard, store, registry } = this.#options;
    const path = absolute(request.path);
    // Asked before the file is: what is on this machine is nobody's business who may not write here.
    const asked = await guard.perform(
      { principal, action: "artifact:push", resource: repositoryResource("*", registry), details: { import: path } },
      async () => {
        const source = await openImageSource(path, store.repository(`import/${randomUUID()}`));
        try {
          const brought: ImportResult["artifacts"] = [];
          for (const { image, target } of this.#targets(source, request, path)) {
            brought.push(await this.#bring(principal, source, image, target));
          }
          return brought;
        } finally {
          await source.close();
        }
      },
    );
    return { artifacts: allowedOrThrow(asked) };
  }

  #targets(source: ImageSource, request: ImportRequest, path: string): { image: FoundImage; target: Reference }[] {
    const names = source.images
      .map(({ name }) => name ?? "(no name)")
      .join(", ")
      .slice(0, 500);
    const chosen =
      request.image === undefined
        ? source.images
        : source.images.filter(({ name, descriptor }) => request.image === name || request.image === descriptor.digest);
    if (chosen.length === 0) throw daemonErrors("import.no-image", { path, image: request.image ?? "", names });
    if (request.reference !== undefined) {
      const digests = new Set(chosen.map(({ descriptor }) => descriptor.digest));
      if (digests.size > 1) throw daemonErrors("import.several", { path, names });
      return [{ image: chosen[0]!, target: this.#own(request.reference) }];
    }
    // A bare word is a tag, and says nothing of the repository.
    const named = chosen.flatMap((image) => {
      const { name } = image;
      return name !== undefined && /[:@]/.test(name) ? [{ image, target: this.#own(ownName(name)) }] : [];
    });
    if (named.length === 0) throw daemonErrors("import.no-name", { path });
    return named;
  }

  #own(text: string): Reference {
    const target = parseReference(text, { registry: this.#options.registry, tag: "latest" });
    // Names of other registries keep their repository: the archive came from there, and now it is here.
    return { ...target, registry: this.#options.registry };
  }

  async #bring(
    principal: Principal,
    source: ImageSource,
    { descriptor }: FoundImage,
    target: Reference,
  ): Promise<ImportResult["artifacts"][number]> {
    const { guard, store, registry, sboms } = this.#options;
    const { tag } = target;
    const outcome = await guard.perform(
      {
        principal,
        action: "artifact:push",
        resource: repositoryResource(target.repository, registry),
        ...(tag === undefined ? {} : { context: { tag } }),
        details: { digest: descriptor.digest, ...(tag === undefined ? {} : { tags: [tag] }) },
      },
      async () => {
        const repository = store.repository(target.repository);
        await copyArtifact(source.repository, repository, descriptor.digest, {
          referrers: true,
          ...(tag === undefined ? {} : { tag }),
        });
        await sboms?.ensure(repository, descriptor);
        return repository.manifest(descriptor.digest);
      },
    );
    const manifest = allowedOrThrow(outcome);
    return {
      reference: formatReference(target),
      digest: descriptor.digest,
      kind: manifest === undefined ? "image" : kindOfManifest(manifest),
    };
  }
}

/** `localhost:7340/team/agent:1.0.0` → `team/agent:1.0.0`: where it is loaded the registry has another name. */
function localName(reference: string): string {
  return reference.slice(reference.indexOf("/") + 1);
}

/** `docker.io/library/alpine:3` and `localhost/x:1` without their host. */
function ownName(name: string): string {
  const [host, ...rest] = name.split("/");
  const isHost = rest.length > 0 && (host === "localhost" || /[.:]/.test(host ?? ""));
  return isHost ? rest.join("/") : name;
}

function absolute(path: string): string {
  if (!isAbsolute(path)) throw daemonErrors("control.bad-request", { problem: "the path must be absolute" });
  return path;
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** Asked before anything is gathered. */
async function requireWritable(directory: string): Promise<void> {
  const isDirectory = await stat(directory).then(
    (status) => status.isDirectory(),
    () => false,
  );
  if (!isDirectory) throw daemonErrors("bundle.not-writable", { directory, reason: "there is no such directory" });
  await access(directory, constants.W_OK).catch((cause: unknown) => {
    throw daemonErrors("bundle.not-writable", { directory, reason: "the daemon may not write there" }, { cause });
  });
}

/** Beside the target first, then renamed: a bundle that broke off is never taken for a whole one. */
async function writeWhole(path: string, source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  const partial = join(dirname(path), `.${basename(path)}.${randomUUID()}.partial`);
  const file = await open(partial, "wx", 0o644);
  try {
    for await (const chunk of source) {
      signal.throwIfAborted();
      // Not `write`, which may take a part only, as on a disk that is about to be full.
      await file.writeFile(chunk);
    }
    await file.sync();
    await file.close();
    await rename(partial, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(partial, { force: true });
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "ENOSPC" && code !== "EDQUOT") throw error;
    const reason = "there is no space left";
    throw daemonErrors("bundle.not-writable", { directory: dirname(path), reason }, { cause: error });
  }
}
