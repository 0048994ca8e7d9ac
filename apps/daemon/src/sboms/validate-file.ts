// A bill of materials in a file of this machine, checked without a daemon.
import { createReadStream } from "node:fs";
import { isPratiqueError, readBounded } from "@pratique/core";
import { readSbomDocument, SBOM_LIMIT_BYTES, sbomJsonOf, SbomValidator, type SbomValidation } from "@pratique/sbom";
import { daemonErrors } from "../errors.ts";

/** What the schema says of a file, and how many components we read in it. @throws `sbom.not-one`, `sbom.malformed` */
export async function validateSbomFile(path: string): Promise<SbomValidation & { readonly components?: number }> {
  const bytes = await readBounded(createReadStream(path), SBOM_LIMIT_BYTES, path).catch((cause: unknown) => {
    if (isPratiqueError(cause)) throw cause;
    throw daemonErrors("control.bad-request", { problem: `${path} cannot be read` }, { cause });
  });
  const json = sbomJsonOf(bytes);
  const validation = await new SbomValidator().validate(json);
  if (validation.problems.length > 0) return validation;
  return { ...validation, components: readSbomDocument(json).components.length };
}
