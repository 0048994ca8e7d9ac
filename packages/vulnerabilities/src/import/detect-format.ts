// In which format a document is, by what stands in it.
import type { FeedFormat } from "@pratique/contracts";
import { isJsonObject } from "@pratique/core";
import { readJson } from "./read-json.ts";

/** Undefined when it is none of them. */
export function detectFormat(text: string): FeedFormat | undefined {
  if (/^\s*\{/.test(text)) return formatOfJson(text);
  const start = text.slice(0, 1000).replace(/^\uFEFF/, "");
  if (/^"?cveID"?,/.test(start)) return "kev";
  return /^(?:#model_version:[^\n]*\r?\n)?cve,epss,/.test(start) ? "epss" : undefined;
}

function formatOfJson(text: string): FeedFormat | undefined {
  let value: unknown;
  try {
    value = readJson(text);
  } catch {
    // Broken JSON is no known format; who names one learns what is wrong with it.
    return undefined;
  }
  if (!isJsonObject(value)) return undefined;
  if ("vulnerabilities" in value && ("catalogVersion" in value || "dateReleased" in value)) return "kev";
  if ("document" in value) return "csaf";
  if ("packages" in value && ("distroversion" in value || "urlprefix" in value || "reponame" in value)) {
    return "alpine-secdb";
  }
  if ("id" in value && "modified" in value) return "osv";
  const issues = Object.values(value)[0];
  const issue = isJsonObject(issues) ? Object.values(issues)[0] : undefined;
  return isJsonObject(issue) && "releases" in issue ? "debian-tracker" : undefined;
}
