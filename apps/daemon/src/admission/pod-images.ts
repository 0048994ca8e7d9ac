// Where a Kubernetes object names images: in a pod, or in the template of what makes pods. Pure.
import { isJsonObject } from "@pratique/core";

/** One place in an object that names an image. */
export interface ImagePlace {
  /** JSON Pointer (RFC 6901) of the text. */
  readonly pointer: string;
  /** `containers` and the like, with the name that the object gives it. */
  readonly what: string;
  readonly image: string;
}

/** What cannot be read as what its kind says; the message says where. */
export class UnreadableObject extends Error {}

const MAX_IMAGES = 256;
const MAX_IMAGE_TEXT = 1024;

/** Of each kind, where its pod specification stands. */
const POD_SPECS: Readonly<Record<string, readonly string[]>> = {
  "/Pod": ["spec"],
  "/PodTemplate": ["template", "spec"],
  "/ReplicationController": ["spec", "template", "spec"],
  "apps/Deployment": ["spec", "template", "spec"],
  "apps/ReplicaSet": ["spec", "template", "spec"],
  "apps/StatefulSet": ["spec", "template", "spec"],
  "apps/DaemonSet": ["spec", "template", "spec"],
  "batch/Job": ["spec", "template", "spec"],
  "batch/CronJob": ["spec", "jobTemplate", "spec", "template", "spec"],
};

/**
 * Every image of an object, in the order of the object.
 * @throws UnreadableObject for a kind that is not known, and for what does not have the form of its kind
 */
export function imagesOf(kind: { readonly group: string; readonly kind: string }, object: unknown): ImagePlace[] {
  const path = POD_SPECS[`${kind.group}/${kind.kind}`];
  if (path === undefined) throw new UnreadableObject(`a ${kind.kind} is not judged here`);
  let at: unknown = object;
  for (const key of path) at = isJsonObject(at) ? at[key] : undefined;
  if (!isJsonObject(at)) {
    // A ReplicationController may stand without a template.
    if (kind.kind === "ReplicationController" && at === undefined) return [];
    throw new UnreadableObject(`the ${kind.kind} has no ${path.join(".")}`);
  }
  const spec = at;
  const root = path.map((key) => `/${key}`).join("");
  const places = [
    ...["initContainers", "containers", "ephemeralContainers"].flatMap((list) =>
      containerImages(spec[list], `${root}/${list}`, list),
    ),
    ...volumeImages(spec["volumes"], `${root}/volumes`),
  ];
  if (places.length > MAX_IMAGES) throw new UnreadableObject(`it names more than ${MAX_IMAGES} images`);
  return places;
}

function containerImages(list: unknown, pointer: string, name: string): ImagePlace[] {
  return itemsOf(list, pointer).flatMap((container, index) => {
    const { image } = container;
    // The controllers that make pods fill it in later; then the pod comes here with it.
    if (image === undefined || image === "") return [];
    return [placeOf(image, `${pointer}/${index}/image`, `${name} ${nameOf(container)}`)];
  });
}

/** Image volumes (Kubernetes 1.31 and later): `volumes[].image.reference`. */
function volumeImages(list: unknown, pointer: string): ImagePlace[] {
  return itemsOf(list, pointer).flatMap((volume, index) => {
    const { image } = volume;
    if (image === undefined || image === null) return [];
    if (!isJsonObject(image)) throw new UnreadableObject(`${pointer}/${index}/image is no mapping`);
    const { reference } = image;
    if (reference === undefined || reference === "") return [];
    return [placeOf(reference, `${pointer}/${index}/image/reference`, `volumes ${nameOf(volume)}`)];
  });
}

function itemsOf(list: unknown, pointer: string): Record<string, unknown>[] {
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) throw new UnreadableObject(`${pointer} is no list`);
  return list.map((item: unknown, index) => {
    if (isJsonObject(item)) return item;
    throw new UnreadableObject(`${pointer}/${index} is no mapping`);
  });
}

function placeOf(image: unknown, pointer: string, what: string): ImagePlace {
  if (typeof image === "string" && image.length <= MAX_IMAGE_TEXT) return { pointer, what, image };
  throw new UnreadableObject(`${pointer} is no image`);
}

function nameOf({ name }: Record<string, unknown>): string {
  return typeof name === "string" ? name.slice(0, 63) : "without a name";
}
