// A model of the content store, and what every back end of it is held against, through restarts.
import { digestOf, type Digest } from "@pratique/core";
import * as fc from "fast-check";
import { expect } from "vitest";
import { MEDIA_TYPES } from "./media-types.ts";
import type { ContentStore } from "./repository.ts";

const NAMES = ["a", "a/b"] as const;
const CONTENTS = ["{}", "one", "two", "three"] as const;
const TAGS = ["v1", "v2"] as const;

type Step =
  | { readonly type: "blob"; readonly name: string; readonly content: string }
  | { readonly type: "drop-blob"; readonly name: string; readonly content: string }
  | { readonly type: "mount"; readonly name: string; readonly from: string; readonly content: string }
  | { readonly type: "manifest"; readonly name: string; readonly content: string; readonly tag: string | undefined }
  | { readonly type: "drop-tag"; readonly name: string; readonly tag: string }
  | { readonly type: "drop-manifest"; readonly name: string; readonly content: string }
  | { readonly type: "restart" };

export interface Model {
  readonly blobs: Set<string>;
  readonly manifests: Set<string>;
  readonly tags: Map<string, string>;
}

const name = fc.constantFrom(...NAMES);
const content = fc.constantFrom(...CONTENTS);
const tag = fc.constantFrom(...TAGS);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constant("blob"), name, content }),
  fc.record({ type: fc.constant("drop-blob"), name, content }),
  fc.record({ type: fc.constant("mount"), name, from: name, content }),
  fc.record({ type: fc.constant("manifest"), name, content, tag: fc.option(tag, { nil: undefined }) }),
  fc.record({ type: fc.constant("drop-tag"), name, tag }),
  fc.record({ type: fc.constant("drop-manifest"), name, content }),
  fc.constant({ type: "restart" } as const),
);

function manifestOf(content: string): Buffer {
  const blob = { mediaType: "text/plain", digest: digestOf(content), size: content.length };
  return Buffer.from(JSON.stringify({ schemaVersion: 2, config: blob, layers: [] }));
}

/** What a step does and says, in the model: `ok`, or the code of its error. */
function applyToModel(models: ReadonlyMap<string, Model>, step: Step): string {
  if (step.type === "restart") return "ok";
  const model = models.get(step.name)!;
  if (step.type === "drop-tag") return String(model.tags.delete(step.tag));
  const { content } = step;
  if (step.type === "blob") model.blobs.add(content);
  if (step.type === "blob") return "ok";
  if (step.type === "mount") {
    if (!models.get(step.from)!.blobs.has(content)) return "false";
    model.blobs.add(content);
    return "true";
  }
  if (step.type === "drop-blob") {
    if (!model.blobs.has(content)) return "false";
    if (model.manifests.has(content)) return "blob.in-use";
    model.blobs.delete(content);
    return "true";
  }
  if (step.type === "drop-manifest") {
    for (const [tag, target] of model.tags) if (target === content) model.tags.delete(tag);
    return String(model.manifests.delete(content));
  }
  if (!model.blobs.has(content)) return "manifest.blob-missing";
  model.manifests.add(content);
  if (step.tag !== undefined) model.tags.set(step.tag, content);
  return "ok";
}

async function applyToStore(store: ContentStore, step: Exclude<Step, { type: "restart" }>): Promise<string> {
  const repository = store.repository(step.name);
  try {
    if (step.type === "drop-tag") return String(await repository.deleteTag(step.tag));
    const digest = digestOf(step.content);
    if (step.type === "mount") return String(await repository.mountBlob(digest, step.from));
    if (step.type === "drop-blob") return String(await repository.deleteBlob(digest));
    if (step.type === "drop-manifest")
      return String(await repository.deleteManifest(digestOf(manifestOf(step.content))));
    if (step.type === "blob") await repository.putBlob(Buffer.from(step.content), { digest });
    else await repository.putManifest(manifestOf(step.content), MEDIA_TYPES.imageManifest, step.tag);
    return "ok";
  } catch (error) {
    if (error instanceof Error && "code" in error) return String(error.code);
    throw error;
  }
}

async function requireEqual(store: ContentStore, models: ReadonlyMap<string, Model>): Promise<void> {
  for (const [name, model] of models) {
    const repository = store.repository(name);
    expect(await repository.tags()).toEqual([...model.tags.keys()].sort());
    for (const [tag, content] of model.tags) {
      expect((await repository.resolve(tag))?.digest).toBe(digestOf(manifestOf(content)));
    }
    for (const content of CONTENTS) {
      expect((await repository.blobSize(digestOf(content))) !== undefined).toBe(model.blobs.has(content));
      const manifest = await repository.manifest(digestOf(manifestOf(content)));
      expect(manifest !== undefined).toBe(model.manifests.has(content));
    }
  }
  const holding = [...models].filter(([, { manifests }]) => manifests.size > 0).map(([name]) => name);
  expect(await store.repositories()).toEqual(holding.sort());
}

/** Everything that some repository has, once. */
export function pooledDigests(models: ReadonlyMap<string, Model>): Digest[] {
  const all = [...models.values()].flatMap(({ blobs, manifests }) => [
    ...[...blobs].map((content) => digestOf(content)),
    ...[...manifests].map((content) => digestOf(manifestOf(content))),
  ]);
  return [...new Set(all)].sort();
}

/** A store that can be opened again on the same content; `done` looks at what lies there, and removes it. */
export interface ModelledStore {
  open(): Promise<ContentStore>;
  done(models: ReadonlyMap<string, Model>): Promise<void>;
}

/** Runs random steps on stores made by `make`, and on the model. */
export async function checkStoreModel(make: () => Promise<ModelledStore>, numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const { open, done } = await make();
      const models = new Map(
        NAMES.map((name) => [
          name as string,
          { blobs: new Set<string>(), manifests: new Set<string>(), tags: new Map<string, string>() },
        ]),
      );
      const expected: [Step, string][] = [];
      const said: [Step, string][] = [];
      let store = await open();
      for (const step of steps) {
        expected.push([step, applyToModel(models, step)]);
        if (step.type === "restart") store = await open();
        said.push([step, step.type === "restart" ? "ok" : await applyToStore(store, step)]);
      }
      expect(said).toEqual(expected);
      await requireEqual(store, models);
      await requireEqual(await open(), models);
      await done(models);
    }),
    { numRuns },
  );
}
