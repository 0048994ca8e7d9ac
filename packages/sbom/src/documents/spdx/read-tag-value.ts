// SPDX 2.2 and 2.3 in tag-value form → the JSON form, which is read then (SPDX 2.3 annex G).
import type { JsonObject } from "@pratique/core";
import { sbomErrors } from "../../errors.ts";

type Fields = { [key: string]: string | JsonObject[] | undefined };

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
  ["PackageCopyrightText", "copyrightText"],
  ["FileCopyrightText", "copyrightText"],
  ["PackageSourceInfo", "sourceInfo"],
  ["PrimaryPackagePurpose", "primaryPackagePurpose"],
  ["LicenseConcluded", "licenseConcluded"],
  ["LicenseName", "name"],
  ["ExtractedText", "extractedText"],
]);

const ANNOTATION_KEYS = {
  AnnotationDate: "annotationDate",
  AnnotationType: "annotationType",
  AnnotationComment: "comment",
} as const;

/** True when a text begins as such a document does. */
export function isTagValue(text: string): boolean {
  const lines = text
    .slice(0, 4096)
    .split("\n")
    .map((line) => line.trim());
  return lines.find((line) => line !== "" && !line.startsWith("#"))?.startsWith("SPDXVersion:") === true;
}

/** @throws `sbom.malformed` */
export function tagValueToJson(text: string): JsonObject {
  const document: Fields = {};
  const packages: Fields[] = [];
  const files: Fields[] = [];
  const extracted: Fields[] = [];
  const relationships: JsonObject[] = [];
  const annotations: { note: Fields; to?: string }[] = [];
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
        annotations.push({ note: { annotator: value } });
        break;
      case "AnnotationDate":
      case "AnnotationType":
      case "AnnotationComment": {
        const note = annotations.at(-1)?.note;
        if (note !== undefined) note[ANNOTATION_KEYS[tag]] = value;
        break;
      }
      case "SPDXREF": {
        const last = annotations.at(-1);
        if (last !== undefined) last.to = value;
        break;
      }
      default:
        // What no reader here asks for.
        break;
    }
  }
  const byId = new Map([...files, ...packages, document].map((one) => [one["SPDXID"], one]));
  for (const { note, to } of annotations) {
    const target = byId.get(to);
    if (note["comment"] !== undefined && target !== undefined) append(target, "annotations", note);
  }
  return {
    ...document,
    creationInfo: { ...creation, creators },
    packages,
    files,
    hasExtractedLicensingInfos: extracted,
    relationships,
  };
}

function append(fields: Fields, key: string, item: JsonObject): void {
  const list = fields[key];
  if (Array.isArray(list)) list.push(item);
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
    const text = lines[at]!.slice(0, LIMIT_TEXT);
    const colon = text.indexOf(":");
    const tag = text.slice(0, Math.max(0, colon)).trim();
    let value = text.slice(colon + 1).trim();
    if (!/^[A-Za-z]{1,64}$/.test(tag)) continue;
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
