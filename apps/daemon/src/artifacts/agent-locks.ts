// What an agent needs, found and pinned: its sub-agents, models, skills and servers.
import type { LockRequest, LockResult, Principal } from "@pratique/contracts";
import { algorithmOf, hexOf, type Clock } from "@pratique/core";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { copyArtifact, MEDIA_TYPES } from "@pratique/oci";
import {
  agentReferences,
  encodeAgentLock,
  isAgentLock,
  readArtifact,
  type LockedMember,
  type LockedType,
} from "@pratique/packaging";
import { daemonErrors } from "../errors.ts";
import type { SbomDesk } from "../sboms/sbom-desk.ts";
import { findNamed } from "../runs/find-named.ts";
import { repositoryResource, type Artifacts } from "./artifacts.ts";
import type { Found } from "./find-artifact.ts";

/** An artifact that an agent, or one of its sub-agents, names. */
export interface Member {
  readonly type: LockedType;
  readonly named: string;
  readonly found: Found;
}

const DEPTH_LIMIT = 8;
const MEMBERS_LIMIT = 1000;
const LOCK_SUFFIX = ".lock";

export class AgentLocks {
  readonly #artifacts: Artifacts;
  readonly #guard: Guard;
  readonly #registry: string;
  readonly #sboms: SbomDesk;
  readonly #clock: Clock;

  constructor(options: { artifacts: Artifacts; guard: Guard; registry: string; sboms: SbomDesk; clock: Clock }) {
    this.#sboms = options.sboms;
    this.#clock = options.clock;
    this.#artifacts = options.artifacts;
    this.#guard = options.guard;
    this.#registry = options.registry;
  }

  /** The agent itself first, then all that it names, each once. @throws `lock.member-missing`, `lock.ambiguous` */
  async members(agent: Found): Promise<Member[]> {
    const members = new Map<string, Member>();
    const add = async (found: Found, depth: number): Promise<void> => {
      if (depth > DEPTH_LIMIT || members.size > MEMBERS_LIMIT)
        throw daemonErrors("lock.too-large", { agent: agent.reference });
      const info = await readArtifact(found.repository, found.descriptor.digest);
      if (info.kind !== "agent") return;
      for (const { type, reference } of agentReferences(info.yaml)) {
        const member = await findNamed(this.#artifacts, reference, found);
        if (member === undefined || member.kind !== type) {
          throw daemonErrors("lock.member-missing", { agent: found.reference, type, name: reference });
        }
        const key = `${type} ${reference}`;
        const known = members.get(key);
        if (known === undefined) {
          members.set(key, { type, named: reference, found: member });
          if (type === "agent") await add(member, depth + 1);
        } else if (known.found.descriptor.digest !== member.descriptor.digest) {
          throw daemonErrors("lock.ambiguous", {
            name: reference,
            one: known.found.reference,
            other: member.reference,
          });
        }
      }
    };
    if (!(await this.isLock(agent))) await add(agent, 0);
    return [{ type: "root", named: agent.reference, found: agent }, ...members.values()];
  }

  /** A lock has its members with it. */
  async isLock({ repository, descriptor }: Found): Promise<boolean> {
    const manifest = await repository.manifest(descriptor.digest);
    return manifest !== undefined && isAgentLock(manifest);
  }

  /** Copies all members into the agent's repository and tags the index that pins them. */
  async lock(principal: Principal, request: LockRequest): Promise<LockResult> {
    const agent = await this.#artifacts.find(request.reference);
    if (agent.kind !== "agent" || (await this.isLock(agent))) {
      throw daemonErrors("artifact.wrong-kind", { reference: agent.reference, kind: agent.kind, wanted: "agent" });
    }
    const resource = repositoryResource(agent.repository.name, this.#registry);
    const outcome = await this.#guard.perform(
      { principal, action: "artifact:push", resource, details: { lockOf: agent.descriptor.digest } },
      async (_decision, note) => {
        const startedOn = this.#clock.now();
        const members = await this.members(agent);
        for (const member of members.slice(1)) await this.#bring(principal, member.found, agent);
        const locked: LockedMember[] = members.map(({ type, named, found }) => ({
          type,
          named,
          reference: found.reference,
          descriptor: found.descriptor,
        }));
        const tag = `${agent.reference.split(":").at(-1)!.slice(0, 120)}${LOCK_SUFFIX}`;
        const bytes = encodeAgentLock(locked, { "org.opencontainers.image.title": agent.repository.name });
        const descriptor = await agent.repository.putManifest(bytes, MEDIA_TYPES.imageIndex);
        await this.#artifacts.attestBuild(agent.repository, descriptor, {
          buildType: "https://pratique.dev/build-types/lock/agent/v1",
          externalParameters: { agent: agent.reference },
          materials: locked.map(({ type, reference, descriptor: { digest } }) => ({
            uri: `pratique:${type}/${reference}`,
            digest: { [algorithmOf(digest)]: hexOf(digest) },
            name: reference,
          })),
          startedOn,
          documentOf: (member) => this.#sboms.attestedDocument(agent.repository, member),
        });
        await agent.repository.putManifest(bytes, MEDIA_TYPES.imageIndex, tag);
        note({ digest: descriptor.digest, tags: [tag] });
        return { reference: `${this.#registry}/${agent.repository.name}:${tag}`, descriptor, locked };
      },
    );
    const { reference, descriptor, locked } = allowedOrThrow(outcome);
    return {
      reference,
      digest: descriptor.digest,
      members: locked.map(({ type, named, reference: from, descriptor: { digest } }) => ({
        type,
        named,
        reference: from,
        digest,
      })),
    };
  }

  /** With its evidence: what it was cleared by has to come along. */
  async #bring(principal: Principal, member: Found, agent: Found): Promise<void> {
    const outcome = await this.#guard.perform(
      {
        principal,
        action: "artifact:pull",
        resource: await this.#artifacts.resource(member),
        details: { target: agent.repository.name },
      },
      () => copyArtifact(member.repository, agent.repository, member.descriptor.digest, { referrers: true }),
    );
    allowedOrThrow(outcome);
  }
}
