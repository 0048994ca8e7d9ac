// Documents of what is in a repository, of each kind, the same each time.
import { hexOf } from "@pratique/core";
import { MEDIA_TYPES } from "@pratique/oci";
import { writeSbom } from "@pratique/sbom";
import { afterEach, beforeEach, expect, it } from "vitest";
import { encodeAgentLock } from "../agent/agent-lock.ts";
import { encodeSkillVariants } from "../skill/skill-variants.ts";
import { openWorkbench, type Workbench } from "../workbench.fixture.ts";
import { artifactDocument } from "./artifact-document.ts";

let bench: Workbench;
beforeEach(async () => {
  bench = await openWorkbench();
});
afterEach(() => bench.close());

const skill = (body: string): Record<string, string> => ({
  "SKILL.md": `---\nname: tally\ndescription: Counts.\nlicense: MIT\nallowed-tools: Read Grep\n---\n${body}\n`,
  "scripts/count.sh": "wc -l\n",
});
const AGENT = "metadata: { license: MIT }\nagents:\n  root: { model: openai/gpt, instruction: x, skills: [tally] }\n";

it("says of a packed skill what its packer said, when it is looked at without it", async () => {
  const packed = await bench.pack(await bench.directory("tally", skill("one")));
  const repository = bench.repository("test/artifact");
  const look = { name: "test/artifact" };
  const found = await artifactDocument(repository, packed.descriptor.digest, look);
  const told = await artifactDocument(repository, packed.descriptor.digest, { ...look, components: packed.components });
  expect(found.subject).toMatchObject({
    kind: "skill",
    digest: packed.descriptor.digest,
    licences: ["MIT"],
    properties: { "pratique:permission:tool": ["allow Grep", "allow Read"] },
  });
  expect(found.created).toBeUndefined();
  expect(found.components.map(({ name }) => name)).toEqual(told.components.map(({ name }) => name));
  const again = await artifactDocument(repository, packed.descriptor.digest, look);
  expect(JSON.stringify(writeSbom(again, "spdx-2.3"))).toBe(JSON.stringify(writeSbom(found, "spdx-2.3")));
});

it("has the files of all variants, and for which platform those are that differ", async () => {
  const repository = bench.repository("test/artifact");
  const variants = [];
  for (const [body, architecture] of [
    ["one", "amd64"],
    ["two", "arm64"],
  ] as const) {
    const { descriptor } = await bench.pack(await bench.directory(`${architecture}/tally`, skill(body)), {
      tag: architecture,
    });
    const manifest = await repository.manifest(descriptor.digest);
    variants.push({ manifest: manifest!, platform: { os: "linux", architecture }, name: "tally" });
  }
  const { digest } = await repository.putManifest(encodeSkillVariants(variants), MEDIA_TYPES.imageIndex);
  const { components, subject } = await artifactDocument(repository, digest, { name: "test/artifact" });
  expect(subject).toMatchObject({ kind: "skill", digest, licences: ["MIT"] });
  expect(components.map(({ name, properties }) => [name, properties?.["pratique:platform"]])).toEqual([
    ["SKILL.md", ["linux/amd64"]],
    ["scripts/count.sh", undefined],
    ["SKILL.md", ["linux/arm64"]],
  ]);
});

it("has the members of a lock by digest, and what they consist of; a better document of one is taken", async () => {
  const repository = bench.repository("test/artifact");
  const tally = await bench.pack(await bench.directory("tally", skill("one")), { tag: "skill" });
  const agent = await bench.pack(await bench.directory("agent", { "agent.yaml": AGENT }), { tag: "agent" });
  const bytes = encodeAgentLock(
    [
      {
        type: "root",
        named: "localhost:7340/test/agent:1",
        reference: "localhost:7340/test/agent:1",
        descriptor: agent.descriptor,
      },
      { type: "skill", named: "tally", reference: "localhost:7340/test/tally:1", descriptor: tally.descriptor },
    ],
    {},
  );
  const { digest } = await repository.putManifest(bytes, MEDIA_TYPES.imageIndex);
  const document = await artifactDocument(repository, digest, {
    name: "test/artifact",
    documentOf: async (member) =>
      member.digest === tally.descriptor.digest
        ? {
            subject: { name: "tally" },
            components: [{ type: "library", name: "zod", version: "4.6.7", purl: "pkg:npm/zod@4.6.7" }],
          }
        : undefined,
  });
  expect(document.subject).toMatchObject({ kind: "agent", digest, licences: ["MIT"] });
  expect(document.components).toMatchObject([
    {
      type: "application",
      name: "localhost:7340/test/agent",
      version: agent.descriptor.digest,
      hashes: { sha256: hexOf(agent.descriptor.digest) },
    },
    {
      type: "data",
      name: "localhost:7340/test/tally",
      version: tally.descriptor.digest,
      properties: { "pratique:lock:named": "tally" },
    },
    { type: "file", name: "agent.yaml" },
    { type: "library", name: "zod" },
  ]);
});

it("refuses what is not there", async () => {
  const repository = bench.repository("test/artifact");
  const nothing = `sha256:${"0".repeat(64)}`;
  await expect(artifactDocument(repository, nothing, { name: "x" })).rejects.toMatchObject({
    code: "artifact.missing",
  });
});
