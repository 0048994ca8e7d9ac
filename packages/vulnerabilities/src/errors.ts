// The error codes of the advisory database and what is done with it.
import { defineErrors } from "@pratique/core";

export const vulnerabilityErrors = defineErrors({
  "vulnerabilities.unknown-format": {
    status: 400,
    text: "{path} is in no known advisory format",
    hint: "name it: --format osv, debian-tracker, alpine-secdb, csaf, kev or epss",
  },
  "vulnerabilities.bad-data": {
    status: 400,
    text: "{path} is no sound {format} data: {reason}",
    hint: "nothing of it was imported; fetch it again, or from another mirror",
  },
  "vulnerabilities.too-large": {
    status: 413,
    text: "{path} is larger than {limit} allow",
    hint: "nothing of it was imported; check that it is what you meant to bring in",
  },
  "vulnerabilities.older-data": {
    status: 409,
    text: "{path} ends at {offered}, and source {source} is at {present} already",
    hint: "a mirror that goes back in time hides advisories; pass --older when that is what you want",
  },
  "vulnerabilities.unavailable": {
    status: 502,
    text: "source {source} cannot be reached at {url}: {reason}",
    hint: "what was imported before stays; check the address, the proxy, or import a dump with pratique db import PATH",
  },
  "vulnerabilities.no-sources": {
    status: 409,
    text: "no source of advisories is configured",
    hint: "set vulnerabilities.sources in pratique.yaml, or import a dump with pratique db import PATH",
  },
  "vulnerabilities.unknown-source": {
    status: 404,
    text: "no source {source} is configured",
    hint: "pratique db status lists what there is",
  },
  "vulnerabilities.empty": {
    status: 400,
    text: "{path} holds no advisories",
    hint: "nothing was imported; check that it is the file or directory that you meant",
  },
});
