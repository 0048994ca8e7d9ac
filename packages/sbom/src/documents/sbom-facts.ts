// What policy needs of a bill of materials; whatever else it holds is passed over.
import { isPratiqueError, type JsonObject } from "@pratique/core";
import { formatLicenceExpression, parseLicenceExpression } from "./licences/licence-expression.ts";
import { LicenceNormaliser } from "./licences/normalise-licence.ts";
import { UNSAFE_FORMAT_PROPERTY, type ReadSbom, type SbomComponent, type SbomSubject } from "./sbom-document.ts";
import { readSbomDocument } from "./sbom-format.ts";

export interface SbomFacts {
  /** E.g. `CycloneDX 1.6`. */
  readonly format: string;
  readonly components: number;
  /** True when it describes a model, with a model card. */
  readonly describesModel: boolean;
  /** SPDX ids, `A OR B` where there is a choice, and the words of what is in no list; sorted. */
  readonly licences: readonly string[];
  /** Formats in it that run code when they are loaded, e.g. `pickle`. */
  readonly unsafeFormats: readonly string[];
}

const LIMIT_LIST = 1000;

/** Reads the predicate of an attestation; undefined when it is no bill of materials: half of one is none. */
export function readSbom(predicate: JsonObject): SbomFacts | undefined {
  try {
    return sbomFacts(readSbomDocument(predicate));
  } catch (error) {
    if (!isPratiqueError(error)) throw error;
    return undefined;
  }
}

/** What policy needs of a document that was read. */
export function sbomFacts(document: ReadSbom): SbomFacts {
  const all: (SbomSubject | SbomComponent)[] = [document.subject, ...document.components];
  return {
    format: document.format,
    components: document.components.length,
    describesModel: all.some(({ type, model }) => type === "machine-learning-model" && model !== undefined),
    licences: licencesOf(all),
    unsafeFormats: unsafeFormatsIn(all),
  };
}

function licencesOf(all: readonly Pick<SbomComponent, "licences">[]): string[] {
  const normaliser = new LicenceNormaliser();
  const found = new Set<string>();
  const declared = new Set(all.flatMap(({ licences = [] }) => licences));
  for (const text of declared) {
    if (found.size >= LIMIT_LIST) break;
    const normalised = normaliser.of(text);
    if (normalised === undefined) continue;
    const { expression, references } = normalised;
    const words = references.get(expression);
    const parsed = words === undefined ? parseLicenceExpression(expression) : undefined;
    // All of them count, so each is one; of a choice the whole counts.
    const parts = parsed !== undefined && "operator" in parsed && parsed.operator === "AND" ? parsed.parts : [];
    if (parts.length === 0) found.add(words ?? expression);
    for (const part of parts) found.add(formatLicenceExpression(part));
  }
  return [...found].sort().slice(0, LIMIT_LIST);
}

function unsafeFormatsIn(all: readonly Pick<SbomComponent, "properties">[]): string[] {
  const named = all.flatMap(({ properties }) => properties?.[UNSAFE_FORMAT_PROPERTY] ?? []);
  return [...new Set(named.flat())].sort().slice(0, LIMIT_LIST);
}
