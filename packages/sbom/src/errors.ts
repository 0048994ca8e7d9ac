// The error codes of bills of materials.
import { defineErrors } from "@pratique/core";

export const sbomErrors = defineErrors({
  "catalogue.too-large": {
    status: 413,
    text: "{what} is more than this reads: {reason}",
    hint: "raise the limits of the catalogue if the artifact is honest",
  },
  "catalogue.layer-damaged": {
    status: 422,
    text: "layer {digest} cannot be read: {reason}",
    hint: "pull or push the image again; a layer that cannot be unpacked cannot be catalogued",
  },
  "catalogue.no-platform": {
    status: 404,
    text: "no image for {platform} is in {digest}",
    hint: "name one of: {available}",
  },
  "catalogue.not-found": {
    status: 404,
    text: "{digest} is not in the repository",
    hint: "push or pull the whole artifact first",
  },
  "sbom.malformed": {
    status: 422,
    text: "this bill of materials cannot be read: {reason} (at {at})",
    hint: "pratique sbom validate FILE says what else is wrong with it",
  },
  "sbom.not-one": {
    status: 422,
    text: "this is no bill of materials that is known here",
    hint: "CycloneDX 1.3 to 1.7 as JSON, SPDX 2.2 and 2.3 as JSON or tag-value, and SPDX 3.0.1 as JSON-LD are read",
  },
  "sbom.version-unknown": {
    status: 422,
    text: "{format} {version} is not read here",
    hint: "CycloneDX 1.3 to 1.7, SPDX 2.2, 2.3 and 3.0.1 are",
  },
});
