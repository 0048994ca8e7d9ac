// The formats in which a document is written, and which of them a file is in.
import { isJsonObject, parseJson, type JsonObject } from "@pratique/core";
import { sbomErrors } from "../errors.ts";
import { readCycloneDx } from "./cyclonedx/read-cyclonedx.ts";
import { cycloneDxOf } from "./cyclonedx/write-cyclonedx.ts";
import { isWithinDepth } from "./json-at.ts";
import type { ReadSbom, SbomDocument } from "./sbom-document.ts";
import { readSpdx } from "./spdx/read-spdx.ts";
import { readSpdx3 } from "./spdx/read-spdx3.ts";
import { isTagValue, tagValueToJson } from "./spdx/read-tag-value.ts";
import { spdxOf } from "./spdx/write-spdx.ts";
import { spdx3Of } from "./spdx/write-spdx3.ts";

export const SBOM_FORMATS = ["cyclonedx-1.6", "cyclonedx-1.7", "spdx-2.3", "spdx-3.0"] as const;
export type SbomFormat = (typeof SBOM_FORMATS)[number];

export const CYCLONEDX_PREDICATE_TYPE = "https://cyclonedx.org/bom";
/** As `cosign attest --type spdxjson` has it, whatever the version. */
export const SPDX_PREDICATE_TYPE = "https://spdx.dev/Document";

export const SBOM_LIMIT_BYTES = 128 * 1024 * 1024;
const DEPTH_LIMIT = 64;

/** `cyclonedx` and `spdx` mean the version that most others read. */
export function parseSbomFormat(text: string): SbomFormat | undefined {
  if (text === "cyclonedx") return "cyclonedx-1.6";
  if (text === "spdx") return "spdx-2.3";
  return SBOM_FORMATS.find((format) => format === text);
}

/** The JSON of a document in a format. The same document gives the same bytes. */
export function writeSbom(document: SbomDocument, format: SbomFormat): JsonObject {
  switch (format) {
    case "cyclonedx-1.6":
      return cycloneDxOf(document, "1.6");
    case "cyclonedx-1.7":
      return cycloneDxOf(document, "1.7");
    case "spdx-2.3":
      return spdxOf(document);
    case "spdx-3.0":
      return spdx3Of(document);
  }
}

export function predicateTypeOf(format: SbomFormat): string {
  return format.startsWith("cyclonedx") ? CYCLONEDX_PREDICATE_TYPE : SPDX_PREDICATE_TYPE;
}

/** True for the predicate type of an attestation that carries a bill of materials. */
export function isSbomPredicate(predicateType: string): boolean {
  return /^https:\/\/(?:cyclonedx\.org\/bom(?:\/v?\d[\d.]*)?|spdx\.dev\/Document(?:\/v?\d[\d.]*)?)$/.test(
    predicateType,
  );
}

/** A file as JSON, tag-value turned into it. @throws `input.too-large` `sbom.not-one`, `sbom.malformed` */
export function sbomJsonOf(bytes: Uint8Array): JsonObject {
  if (bytes.byteLength > SBOM_LIMIT_BYTES) {
    throw sbomErrors("sbom.malformed", { at: "the file", reason: `it is larger than ${SBOM_LIMIT_BYTES} bytes` });
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw sbomErrors("sbom.malformed", { at: "the file", reason: "it is not UTF-8" }, { cause });
  }
  if (isTagValue(text)) return tagValueToJson(text);
  if (!/^\s*\{/.test(text.slice(0, 1024))) throw sbomErrors("sbom.not-one", {});
  const json = parseJson(text, "the bill of materials");
  if (!isJsonObject(json)) throw sbomErrors("sbom.not-one", {});
  return json;
}

/** Reads what any tool wrote. @throws `sbom.not-one`, `sbom.malformed`, `sbom.version-unknown` */
export function readSbomDocument(source: JsonObject | Uint8Array): ReadSbom {
  const json = source instanceof Uint8Array ? sbomJsonOf(source) : source;
  if (!isWithinDepth(json, DEPTH_LIMIT)) {
    throw sbomErrors("sbom.malformed", { at: "the document", reason: `it is nested more than ${DEPTH_LIMIT} deep` });
  }
  if (json["bomFormat"] === "CycloneDX") return readCycloneDx(json);
  if (typeof json["spdxVersion"] === "string") return readSpdx(json);
  if (isSpdx3(json)) return readSpdx3(json);
  throw sbomErrors("sbom.not-one", {});
}

export function isSpdx3(json: JsonObject): boolean {
  const context = json["@context"];
  return typeof context === "string" && /^https:\/\/spdx\.org\/rdf\/3\.0(?:\.\d+)?\//.test(context);
}
