// The agent lock: an index that pins an agent and everything it names by digest, in the agent's own repository.
import { isDigest, type Digest } from "@pratique/core";
import { KIND_ANNOTATION } from "@pratique/contracts";
import { MEDIA_TYPES, parseManifest, type Descriptor, type Manifest } from "@pratique/oci";
import { packagingErrors } from "../errors.ts";

export const AGENT_LOCK_TYPE = "application/vnd.pratique.agent.lock.v1+json";
const TYPE = "dev.pratique.lock.type";
/** The words by which the agent file names it. */
const NAMED = "dev.pratique.lock.named";
const REFERENCE = "dev.pratique.lock.reference";
const MEMBERS_LIMIT = 1000;

export type LockedType = "root" | "agent" | "model" | "mcp-server" | "skill";

/** Something that the lock pins. */
export interface LockedMember {
  readonly type: LockedType;
  /** As the agent file (or that of a sub-agent) names it; of the root, its own reference. */
  readonly named: string;
  /** Repository and tag or digest that it was taken from. */
  readonly reference: string;
  readonly descriptor: Pick<Descriptor, "mediaType" | "digest" | "size">;
}

/** The lock's bytes; equal members make equal bytes. */
export function encodeAgentLock(
  members: readonly LockedMember[],
  annotations: Readonly<Record<string, string>>,
): Buffer {
  const order = (member: LockedMember): string => `${member.type === "root" ? "" : member.type} ${member.named}`;
  const sorted = members.toSorted((a, b) => (order(a) < order(b) ? -1 : 1));
  const index = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageIndex,
    artifactType: AGENT_LOCK_TYPE,
    manifests: sorted.map(({ type, named, reference, descriptor }) => ({
      mediaType: descriptor.mediaType,
      digest: descriptor.digest,
      size: descriptor.size,
      annotations: { [TYPE]: type, [NAMED]: named, [REFERENCE]: reference },
    })),
    annotations: { ...annotations, [KIND_ANNOTATION]: "agent" },
  };
  return Buffer.from(JSON.stringify(index));
}

/** True when a manifest is an agent lock. */
export function isAgentLock({ bytes, mediaType }: Pick<Manifest, "bytes" | "mediaType">): boolean {
  return parseManifest(bytes, mediaType).manifest.artifactType === AGENT_LOCK_TYPE;
}

/** @throws `artifact.malformed` when it has no root, or is too long */
export function readAgentLock(manifest: Manifest): LockedMember[] {
  const malformed = (reason: string): Error =>
    packagingErrors("artifact.malformed", { reference: manifest.descriptor.digest, kind: "agent lock", reason });
  const parsed = parseManifest(manifest.bytes, manifest.mediaType);
  if (parsed.type !== "index" || !isAgentLock(manifest)) throw malformed("it is none");
  if (parsed.manifest.manifests.length > MEMBERS_LIMIT) throw malformed("it has too many members");
  const members = parsed.manifest.manifests.flatMap((descriptor): LockedMember[] => {
    const { [TYPE]: type, [NAMED]: named, [REFERENCE]: reference } = descriptor.annotations ?? {};
    if (!isLockedType(type) || named === undefined || reference === undefined) return [];
    return [{ type, named, reference, descriptor }];
  });
  if (members.filter(({ type }) => type === "root").length !== 1) throw malformed("it must have one root");
  return members;
}

/** The digest that a lock has for a name. */
export function lockedDigest(members: readonly LockedMember[], type: LockedType, named: string): Digest | undefined {
  const digest = members.find((member) => member.type === type && member.named === named)?.descriptor.digest;
  return digest !== undefined && isDigest(digest) ? digest : undefined;
}

function isLockedType(text: string | undefined): text is LockedType {
  return text !== undefined && ["root", "agent", "model", "mcp-server", "skill"].includes(text);
}
