// A lock says the same when it is read as when it was written, and one from outside is checked.
import { digestOf, isDigest } from "@pratique/core";
import { MEDIA_TYPES, type Manifest } from "@pratique/oci";
import fc from "fast-check";
import { expect, it } from "vitest";
import { encodeAgentLock, lockedDigest, readAgentLock, type LockedMember, type LockedType } from "./agent-lock.ts";

function manifestOf(bytes: Buffer): Manifest {
  const descriptor = { mediaType: MEDIA_TYPES.imageIndex, digest: digestOf(bytes), size: bytes.length };
  return { descriptor, bytes, mediaType: MEDIA_TYPES.imageIndex };
}

const member = (type: LockedType): fc.Arbitrary<LockedMember> =>
  fc
    .record({ named: fc.string({ minLength: 1 }), reference: fc.string(), size: fc.nat() })
    .map(({ size, ...rest }) => ({
      type,
      ...rest,
      descriptor: { mediaType: MEDIA_TYPES.imageManifest, digest: digestOf(`${type} ${rest.named}`), size },
    }));
const others = fc.array(fc.constantFrom<LockedType>("agent", "model", "mcp-server", "skill").chain(member), {
  maxLength: 12,
});
const key = ({ type, named, reference }: LockedMember): string => JSON.stringify([type, named, reference]);

it("reads what was written, whatever the order, and finds digests by type and name", () => {
  fc.assert(
    fc.property(member("root"), others, (root, rest) => {
      const members = [...rest, root];
      const bytes = encodeAgentLock(members, {});
      const read = readAgentLock(manifestOf(bytes));
      expect(read[0]?.type).toBe("root");
      expect(read.map(key).toSorted()).toEqual(members.map(key).toSorted());
      for (const { type, named, descriptor } of rest) expect(lockedDigest(read, type, named)).toBe(descriptor.digest);
      expect(isDigest(lockedDigest(read, "root", root.named) ?? "")).toBe(true);
    }),
  );
});

it("refuses one without a root, with two, and an index that is no lock", () => {
  const [root] = fc.sample(member("root"), 1);
  expect(() => readAgentLock(manifestOf(encodeAgentLock([], {})))).toThrow(/one root/);
  expect(() => readAgentLock(manifestOf(encodeAgentLock([root!, root!], {})))).toThrow(/one root/);
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.imageIndex, manifests: [] }));
  expect(() => readAgentLock(manifestOf(index))).toThrow(/none/);
});
