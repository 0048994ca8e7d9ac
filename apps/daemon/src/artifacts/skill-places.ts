// Puts skills where agents read them, and keeps skills.json and skills.lock.json true.
import type { InstalledSkills, Principal, SkillProject } from "@pratique/contracts";
import type { Clock } from "@pratique/core";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { parseReference } from "@pratique/oci";
import {
  collectionMembers,
  kindOfManifest,
  readArtifact,
  seconds,
  unpackArtifact,
  withLockedSkill,
  withoutSkill,
  withWantedSkill,
} from "@pratique/packaging";
import { randomUUID } from "node:crypto";
import { lstat, mkdir, rename, rm } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { daemonErrors } from "../errors.ts";
import { systemResource, type Artifacts } from "./artifacts.ts";
import type { Found } from "./find-artifact.ts";
import { readProjectFiles, writeProjectFiles, type ProjectFiles } from "./skill-project.ts";
import { manifestOf } from "./skills.ts";

type Installed = InstalledSkills["skills"][number];

export interface SkillPlacesOptions {
  readonly artifacts: Artifacts;
  readonly guard: Guard;
  readonly registry: string;
  readonly clock: Clock;
}

export class SkillPlaces {
  readonly #options: SkillPlacesOptions;

  constructor(options: SkillPlacesOptions) {
    this.#options = options;
  }

  /** Installs skills, or all of a collection. Policy decides on each as on running it: agents will follow it. */
  async install(
    principal: Principal,
    request: {
      readonly references: readonly string[];
      readonly project: SkillProject;
      readonly places: readonly string[];
      readonly replace: boolean;
    },
  ): Promise<InstalledSkills> {
    const { project } = request;
    return this.#writing(principal, project, async () => {
      let files = await readProjectFiles(project.files);
      const skills: Installed[] = [];
      for (const reference of request.references) {
        for (const member of await this.#members(reference)) {
          for (const place of request.places) {
            const directory = resolve(project.directory, place);
            const installed = await this.#place(principal, member, directory, request.replace);
            files = this.#noted(files, project, member, installed);
            // After each: what was installed is on record, whatever becomes of the next.
            await writeProjectFiles(project.files, files);
            skills.push(installed);
          }
        }
      }
      return { skills };
    });
  }

  /** Installs what the lock file pins, by digest. */
  async sync(principal: Principal, project: SkillProject): Promise<InstalledSkills> {
    return this.#writing(principal, project, async () => {
      const { lock } = await readProjectFiles(project.files);
      const skills: Installed[] = [];
      for (const { path, source } of lock?.skills ?? []) {
        const found = await this.#options.artifacts.find(`${source.repository}@${source.digest}`);
        const directory = dirname(resolve(project.directory, path));
        skills.push(await this.#place(principal, found, directory, true));
      }
      return { skills };
    });
  }

  /** Takes a skill away. Only what the lock file says we put there is removed. */
  async remove(principal: Principal, project: SkillProject, name: string): Promise<InstalledSkills> {
    return this.#writing(principal, project, async () => {
      const { wanted, lock } = await readProjectFiles(project.files);
      const places = lock?.skills.filter((skill) => skill.name === name) ?? [];
      if (lock === undefined || places.length === 0) throw daemonErrors("skill.not-installed", { name });
      for (const { path } of places) await rm(resolve(project.directory, path), { recursive: true, force: true });
      await writeProjectFiles(project.files, { wanted: withoutSkill(wanted, name), lock: withoutSkill(lock, name) });
      return {
        skills: places.map(({ path, source }) => ({
          name,
          path: resolve(project.directory, path),
          reference: source.ref,
          digest: source.digest,
        })),
      };
    });
  }

  /** Files of the host are written: not for whoever may merely pull. */
  async #writing<T>(principal: Principal, project: SkillProject, run: () => Promise<T>): Promise<T> {
    if (!isAbsolute(project.directory) || !isAbsolute(project.files)) {
      throw daemonErrors("control.bad-request", { problem: "the project's paths must be absolute" });
    }
    const details = { skills: project.directory };
    const act = { principal, action: "admin:write", resource: systemResource, details } as const;
    return allowedOrThrow(await this.#options.guard.perform(act, run));
  }

  async #members(reference: string): Promise<Found[]> {
    const found = await this.#options.artifacts.find(reference);
    const manifest = await manifestOf(found);
    if (kindOfManifest(manifest) === "skill") return [found];
    const members = await collectionMembers(found.repository, manifest);
    const skills = members.filter((member) => kindOfManifest(member) === "skill");
    if (skills.length === 0) {
      throw daemonErrors("artifact.wrong-kind", { reference: found.reference, kind: found.kind, wanted: "skill" });
    }
    return skills.map(({ descriptor }) => ({
      repository: found.repository,
      reference: `${this.#options.registry}/${found.repository.name}@${descriptor.digest}`,
      descriptor,
      kind: "skill",
    }));
  }

  async #place(principal: Principal, found: Found, directory: string, replace: boolean): Promise<Installed> {
    const { artifacts, guard } = this.#options;
    const act = { principal, action: "artifact:run", resource: await artifacts.resource(found) } as const;
    return allowedOrThrow(await guard.perform(act, () => place(found, directory, replace)));
  }

  #noted(files: ProjectFiles, project: SkillProject, found: Found, { name, path }: Installed): ProjectFiles {
    const { registry, clock } = this.#options;
    const { digest } = found.descriptor;
    const { repository, tag } = parseReference(found.reference);
    const named = `${registry}/${repository}`;
    const tagged = tag === undefined ? {} : { tag };
    const now = clock.now();
    const source = {
      registry,
      repository,
      ...tagged,
      digest,
      ref: `${named}${tag === undefined ? "" : `:${tag}`}@${digest}`,
    };
    return {
      wanted: withWantedSkill(files.wanted, {
        name,
        source: named,
        ...(tag === undefined ? {} : { version: tag }),
      }),
      lock: withLockedSkill(
        files.lock,
        { name, path: relative(project.directory, path), source, installedAt: seconds(now) },
        now,
      ),
    };
  }
}

/** Whole beside its place first, so that no agent reads half of a skill. */
async function place(found: Found, directory: string, replace: boolean): Promise<Installed> {
  const info = await readArtifact(found.repository, found.descriptor.digest);
  if (info.kind !== "skill") {
    throw daemonErrors("artifact.wrong-kind", { reference: found.reference, kind: info.kind, wanted: "skill" });
  }
  const { name } = info.skill;
  const path = join(directory, name);
  const isThere = (await lstat(path).catch(() => undefined)) !== undefined;
  if (isThere && !replace) throw daemonErrors("skill.installed", { name, path });
  await mkdir(directory, { recursive: true });
  const staging = join(directory, `.${name}-${randomUUID().slice(0, 8)}`);
  try {
    await unpackArtifact({ repository: found.repository, ref: found.descriptor.digest, directory: staging });
    if (isThere) await rename(path, join(staging, ".replaced"));
    await rename(join(staging, name), path);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return { name, path, reference: found.reference, digest: found.descriptor.digest };
}
