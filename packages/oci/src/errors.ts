// What can go wrong with references, content and registries.
import { defineErrors } from "@pratique/core";

export const ociErrors = defineErrors({
  "reference.invalid": {
    status: 400,
    text: "`{reference}` is not a reference: {reason}",
    hint: "write it as registry/repository:tag or registry/repository@sha256:…, e.g. localhost:7340/tools/weather:1.0",
  },
  "digest.mismatch": {
    status: 400,
    text: "{what} has digest {actual}, not {expected}",
    hint: "the content was changed or damaged on its way; fetch or send it again, and do not use this copy",
  },
  "size.mismatch": {
    status: 400,
    text: "{what} is {actualBytes} bytes long, not {expectedBytes}",
    hint: "the content was cut short or changed; fetch or send it again",
  },
  "manifest.invalid": {
    status: 400,
    text: "this is not a valid manifest: {reason}",
    hint: "see the OCI image specification, manifest.md and image-index.md",
  },
  "manifest.unsupported": {
    status: 415,
    text: "manifests of type `{mediaType}` are not supported",
    hint: "OCI image manifests and indexes and their Docker v2.2 equivalents are; convert older images with `skopeo copy --format oci`",
  },
  "manifest.too-large": {
    status: 413,
    text: "the manifest is larger than the {limitBytes} bytes allowed",
    hint: "put large data into a blob, and its descriptor into the manifest",
  },
  "manifest.blob-missing": {
    status: 400,
    text: "the manifest refers to {digest}, which {repository} does not have",
    hint: "push blobs before the manifest, and manifests before the index",
  },
  "manifest.not-found": {
    status: 404,
    text: "{repository} has no `{reference}`",
    hint: "see what is there with `pratique ls`",
  },
  "manifest.in-use": {
    status: 409,
    text: "{digest} is part of the index {parent}",
    hint: "delete the index first",
  },
  "blob.not-found": { status: 404, text: "{repository} has no blob {digest}", hint: "push it first" },
  "blob.in-use": {
    status: 409,
    text: "blob {digest} is used by the manifest {manifest}",
    hint: "delete the manifest first",
  },
  "blob.range-invalid": {
    status: 416,
    text: "the range does not lie inside the blob's {sizeBytes} bytes",
    hint: "ask for the size first",
  },
  "file.changed": {
    status: 409,
    text: "a file changed while it was read",
    hint: "wait until nothing writes to the directory, then try again",
  },
  "repository.not-here": {
    status: 500,
    text: "{repository} is in another registry, and this needs its files",
    hint: "pack into the embedded registry, then `pratique push REF TARGET`",
  },
  "upload.not-found": {
    status: 404,
    text: "there is no upload `{id}`",
    hint: "it may have been finished, cancelled or expired; start again",
  },
  "upload.wrong-offset": {
    status: 416,
    text: "the upload stands at byte {offset}, not at {given}",
    hint: "ask for the upload's state and go on from there",
  },
  "oci.storage-full": {
    status: 507,
    text: "the disk under the content store is full",
    hint: "free some space on it, then try again: nothing half-written is visible, and nothing acknowledged was lost",
  },
  "oci.storage-unreachable": {
    status: 503,
    text: "the storage {storage} does not answer: {reason}",
    hint: "check `registry.storage.endpoint`, and that the storage is up",
  },
  "oci.storage-denied": {
    status: 500,
    text: "the storage {storage} denies {what}: {reason}",
    hint: "check the keys of `registry.storage`; they have to read, write, list and delete in its bucket",
  },
  "oci.storage-missing": {
    status: 500,
    text: "there is no bucket {storage}",
    hint: "make it first: Pratique makes no buckets",
  },
  "oci.storage-failed": {
    status: 502,
    text: "the storage failed at {what}: {reason}",
    hint: "try again; when it stays so, see the log of the storage",
  },
  "oci.storage-contended": {
    status: 503,
    text: "{repository} is changed by others all the time",
    hint: "try again",
  },
  "oci.collect-busy": {
    status: 409,
    text: "another daemon is collecting in {storage}",
    hint: "wait for it; what a daemon that died was doing can be taken over after ten minutes",
  },
  "oci.storage-unconditional": {
    status: 500,
    text: "the storage {storage} ignores conditional writes, so two writers could undo each other's changes",
    hint: "use a storage that honours If-Match, or make sure that one daemon alone writes to this bucket and set `registry.storage.singleWriter: true`",
  },
  "oci.layout-damaged": {
    status: 500,
    text: "the image layout of {repository} cannot be read: {reason}",
    hint: "restore its index.json from a backup, or push the artifacts again",
  },
  "artifact.too-deep": {
    status: 400,
    text: "{reference} nests or refers to more than is reasonable: {reason}",
    hint: "copy its parts one by one",
  },
  "registry.unreachable": {
    status: 503,
    text: "{registry} does not answer: {reason}",
    hint: "check the name, the network, and whether it speaks https (`--insecure` is for a plain-http test registry)",
  },
  "registry.unauthorized": {
    status: 401,
    text: "{registry} wants other credentials for {what}",
    hint: "add --username NAME --password-stdin, or log in with `docker login` or `podman login`",
  },
  "registry.denied": {
    status: 403,
    text: "{registry} denies {what}: {reason}",
    hint: "ask who runs the registry for access",
  },
  "registry.not-found": {
    status: 404,
    text: "{registry} has no {what}",
    hint: "check the repository's name and the tag",
  },
  "registry.rate-limited": {
    status: 429,
    text: "{registry} asks for fewer requests",
    hint: "wait, or log in for a higher limit",
  },
  "registry.failed": { status: 502, text: "{registry} answered {status} to {what}: {reason}" },
  "registry.bad-answer": {
    status: 502,
    text: "{registry} does not keep to the distribution protocol: {reason}",
    hint: "check that the address is that of a registry",
  },
});
