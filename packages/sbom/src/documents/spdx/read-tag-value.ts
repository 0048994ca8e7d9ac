// SPDX 2.2 and 2.3 in tag-value form → the JSON form, which is read then (SPDX 2.3 annex G).
import type { JsonObject } from "@pratique/core";
import { sbomErrors } from "../../errors.ts";

type Fields = { [key: string]: string | string[] | JsonObject[] | Fields | Fields[] | undefined };

const LIMIT_TEXT = 65_536;

/** Tags that become a key of the same meaning, of whatever element they stand in. */
const PLAIN: ReadonlyMap<string, string> = new Map([
  ["SPDXVersion", "spdxVersion"],
  ["DataLicense", "dataLicense"],
  ["DocumentName", "name"],
  ["DocumentNamespace", "documentNamespace"],
  ["SPDXID", "SPDXID"],
  ["PackageVersion", "versionInfo"],
  ["PackageSupplier", "supplier"],
  ["PackageOriginator", "originator"],
  ["PackageDownloadLocation", "downloadLocation"],
  ["PackageLicenseConcluded", "licenseConcluded"],
  ["PackageLicenseDeclared", "licenseDeclared"],
  ["PackageDescription", "description"],
  ["PackageSourceInfo", "sourceInfo"],
  ["PrimaryPackagePurpose", "primaryPackagePurpose"],
  ["LicenseConcluded", "licenseConcluded"],
  ["LicenseName", "name"],
  ["ExtractedText", "extractedText"],
]);

/** True when a text begins as such a document does. */
export function isTagValue(text: string): boolean {
  return /^(?:\s*(?:#[^\n]*)?\n)*\s*SPDXVersion:/.test(text.slice(0, 4096));
}

/** @throws `sbom.malformed` */
export function tagValueToJson(text: string): JsonObject {
  const document: Fields = {};
  const packages: Fields[] = [];
  const files: Fields[] = [];
  const extracted: Fields[] = [];
  const relationships: JsonObject[] = [];
  const annotations: { comment?: string; to?: string }[] = [];
  const creators: string[] = [];
  const creation: Fields = {};
  let current: Fields = document;
  for (const { tag, value, line } of linesOf(text)) {
    const key = PLAIN.get(tag);
    if (key !== undefined) {
      current[key] = value;
      continue;
    }
    switch (tag) {
      case "PackageName":
        packages.push((current = { name: value }));
        break;
      case "FileName":
        files.push((current = { fileName: value }));
        break;
      case "LicenseID":
        extracted.push((current = { licenseId: value }));
        break;
      case "SnippetSPDXID":
        current = {};
        break;
      case "Creator":
        creators.push(value);
        break;
      case "Created":
        creation["created"] = value;
        break;
      case "PackageChecksum":
      case "FileChecksum": {
        const [algorithm = "", checksumValue = ""] = value.split(/:\s*/);
        append(current, "checksums", { algorithm, checksumValue });
        break;
      }
      case "ExternalRef": {
        const [referenceCategory = "", referenceType = "", referenceLocator = ""] = value.split(/\s+/);
        append(current, "externalRefs", { referenceCategory, referenceType, referenceLocator });
        break;
      }
      case "Relationship": {
        const [spdxElementId, relationshipType, relatedSpdxElement] = value.split(/\s+/);
        if (spdxElementId === undefined || relationshipType === undefined || relatedSpdxElement === undefined) {
          throw sbomErrors("sbom.malformed", { at: `line ${line}`, reason: "a relationship has three parts" });
        }
        relationships.push({ spdxElementId, relationshipType, relatedSpdxElement });
        break;
      }
      case "Annotator":
        annotations.push({});
        break;
      case "AnnotationComment":
        Object.assign(annotations.at(-1) ?? {}, { comment: value });
        break;
      case "SPDXREF":
        Object.assign(annotations.at(-1) ?? {}, { to: value });
        break;
      default:
        // What no reader here asks for.
        break;
    }
  }
  for (const { comment, to } of annotations) {
    const target = [document, ...packages, ...files].find((one) => one["SPDXID"] === to);
    if (comment !== undefined && target !== undefined) append(target, "annotations", { comment });
  }
  return {
    ...(document as JsonObject),
    creationInfo: { ...(creation as JsonObject), creators },
    packages: packages as JsonObject[],
    files: files as JsonObject[],
    hasExtractedLicensingInfos: extracted as JsonObject[],
    relationships,
  };
}

function append(fields: Fields, key: string, item: JsonObject): void {
  const list = fields[key];
  if (Array.isArray(list)) (list as JsonObject[]).push(item);
  else fields[key] = [item];
}

interface Line {
  readonly tag: string;
  readonly value: string;
  readonly line: number;
}

/** `Tag: value`, where a value between `<text>` and `</text>` may have several lines. */
function* linesOf(text: string): Generator<Line> {
  const lines = text.split(/\r?\n/);
  for (let at = 0; at < lines.length; at += 1) {
    const found = /^\s*([A-Za-z]+):\s*(.*?)\s*$/.exec(lines[at]!.slice(0, LIMIT_TEXT));
    const tag = found?.[1];
    let value = found?.[2];
    if (tag === undefined || value === undefined) continue;
    const line = at + 1;
    if (value.startsWith("<text>")) {
      const parts = [value.slice("<text>".length)];
      while (!parts.at(-1)!.includes("</text>")) {
        at += 1;
        const next = lines[at];
        if (next === undefined)
          throw sbomErrors("sbom.malformed", { at: `line ${line}`, reason: "its <text> has no end" });
        parts.push(next);
      }
      value = parts.join("\n").replace(/<\/text>[\s\S]*$/, "");
    }
    yield { tag, value, line };
  }
}
