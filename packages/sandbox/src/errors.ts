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
  "sandbox.no-guest-files": {
    status: 503,
    text: "the sandbox {name} needs network, secrets or a port, which this container engine cannot give it: {reason}",
    hint: "pratique doctor says what the engine can; it must run on this machine and see its files",
  },
  "sandbox.mount-refused": {
    status: 403,
    text: "{path} is not mounted into a sandbox: {reason}",
    hint: "name another directory; one that a server may write to is listed in gateway.writablePaths",
  },
  "sandbox.spec-invalid": { status: 400, text: "the sandbox {name} cannot be made: {reason}" },
  "egress.host-invalid": {
    status: 400,
    text: "{entry} is no host that a server can be allowed to reach",
    hint: "write host:port, for example api.example.com:443, *.example.com:443 or 10.0.0.7:5432",
  },
  "egress.denied": {
    status: 403,
    text: "{what}: {reason}",
    hint: "the hosts that a server may reach stand in its entry",
  },
  "egress.malformed": { status: 400, text: "the request cannot be sent on: {reason}" },
  "egress.unreachable": { status: 502, text: "{host} cannot be reached: {reason}" },
  "command.failed": { status: 500, text: "{command} {reason}" },
});
