// What can go wrong between an image and a running sandbox.
import { defineErrors } from "@pratique/core";

export const sandboxErrors = defineErrors({
  "engine.missing": {
    status: 503,
    text: "no container engine was found: {reasons}",
    hint: "apt-get install -y --no-install-recommends podman runc, or start Docker",
  },
  "engine.unusable": {
    status: 503,
    text: "no container engine here can start a container: {reasons}",
    hint: "pratique doctor says what each engine answered; with podman, try: podman run --rm --network none IMAGE true",
  },
  "image.mismatch": {
    status: 502,
    text: "the engine holds {actual} where the image {expected} was loaded",
    hint: "the engine altered the image on its way in; nothing was started from it",
  },
  "image.not-runnable": {
    status: 400,
    text: "{digest} is no image that a sandbox can run: {reason}",
    hint: "pack it again with pratique pack",
  },
  "sandbox.start-failed": {
    status: 502,
    text: "the sandbox {name} did not start: {reason}",
    hint: "pratique doctor checks the container engine",
  },
  "command.failed": { status: 500, text: "{command} {reason}" },
});
