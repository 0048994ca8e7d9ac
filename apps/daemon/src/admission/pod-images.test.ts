// Where objects name images.
import { isJsonObject } from "@pratique/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { imagesOf, UnreadableObject, type ImagePlace } from "./pod-images.ts";
import { container, podOf } from "./review.fixture.ts";

const POD = { group: "", kind: "Pod" };

/** What a JSON Pointer points at (RFC 6901 §4). */
function at(object: unknown, pointer: string): unknown {
  return pointer
    .split("/")
    .slice(1)
    .reduce<unknown>(
      (value, key) => (isJsonObject(value) || Array.isArray(value) ? Reflect.get(value, key) : undefined),
      object,
    );
}

/** None when it says that the pod cannot be read. */
function readable(pod: unknown): ImagePlace[] {
  try {
    return imagesOf(POD, pod);
  } catch (error) {
    if (error instanceof UnreadableObject) return [];
    throw error;
  }
}

describe("imagesOf", () => {
  it("finds every image of a pod, and says where it stands", () => {
    const pod = podOf({
      initContainers: [container("setup", "a:1")],
      containers: [container("web", "b:1"), container("sidecar", "c:1")],
      ephemeralContainers: [container("debugger", "d:1")],
      volumes: [
        { name: "config", configMap: { name: "web" } },
        { name: "model", image: { reference: "e:1", pullPolicy: "IfNotPresent" } },
      ],
    });
    const places = imagesOf(POD, pod);
    expect(places.map(({ image, what }) => `${what} ${image}`)).toEqual([
      "initContainers setup a:1",
      "containers web b:1",
      "containers sidecar c:1",
      "ephemeralContainers debugger d:1",
      "volumes model e:1",
    ]);
    for (const { pointer, image } of places) expect(at(pod, pointer)).toBe(image);
  });

  const spec = { containers: [container("web", "b:1")] };
  const template = { metadata: {}, spec };
  it.each([
    ["", "PodTemplate", { template }],
    ["", "ReplicationController", { spec: { template } }],
    ["apps", "Deployment", { spec: { template } }],
    ["apps", "ReplicaSet", { spec: { template } }],
    ["apps", "StatefulSet", { spec: { template } }],
    ["apps", "DaemonSet", { spec: { template } }],
    ["batch", "Job", { spec: { template } }],
    ["batch", "CronJob", { spec: { jobTemplate: { spec: { template } } } }],
  ])("finds the template of %s/%s", (group, kind, object) => {
    const [place] = imagesOf({ group, kind }, object);
    expect(at(object, place?.pointer ?? "")).toBe("b:1");
  });

  it.each([
    ["a kind that it does not know", { group: "serving.knative.dev", kind: "Service" }, {}],
    ["a kind of that name elsewhere", { group: "evil.example", kind: "Pod" }, podOf({ containers: [] })],
    ["no object", POD, null],
    ["no specification", POD, { kind: "Pod" }],
    ["containers that are no list", POD, podOf({ containers: { 0: container("web", "b:1") } })],
    ["a container that is no mapping", POD, podOf({ containers: ["b:1"] })],
    ["an image that is no text", POD, podOf({ containers: [{ name: "web", image: ["b:1"] }] })],
    ["an image volume that is no mapping", POD, podOf({ volumes: [{ name: "m", image: "e:1" }] })],
    ["far too many", POD, podOf({ containers: Array.from({ length: 300 }, (_, n) => container(`c${n}`, "b:1")) })],
  ])("refuses %s", (_, kind, object) => {
    expect(() => imagesOf(kind, object)).toThrow(UnreadableObject);
  });

  it("says so, or points at images, whatever a pod holds", () => {
    const anything = fc.option(
      fc.oneof(fc.array(fc.oneof(fc.jsonValue(), fc.record({ image: fc.jsonValue() }))), fc.jsonValue()),
    );
    fc.assert(
      fc.property(anything, anything, anything, (containers, initContainers, volumes) => {
        const pod = { spec: { containers, initContainers, volumes } };
        for (const { pointer, image } of readable(pod)) expect(at(pod, pointer)).toBe(image);
      }),
    );
  });
});
