// Package URLs as bills of materials write them: what they say beside name and version.
import { PackageURL } from "packageurl-js";

export interface ParsedPurl {
  readonly type: string;
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly version?: string | undefined;
  readonly qualifiers: Readonly<Record<string, string>>;
  /** From `upstream`, which syft writes: `openssl@3.0.11-1`, or a name that has the package's own version. */
  readonly source?: { readonly name: string; readonly version: string } | undefined;
  /** From `distro`: `debian-12`. */
  readonly distribution?: { readonly id: string; readonly version: string } | undefined;
}

const LIMIT_CHARS = 4096;

/** Undefined when it is none. */
export function parsePurl(text: string): ParsedPurl | undefined {
  if (text.length > LIMIT_CHARS || !text.startsWith("pkg:")) return undefined;
  let parsed: PackageURL;
  try {
    parsed = PackageURL.fromString(text);
  } catch {
    // No purl, which is the answer.
    return undefined;
  }
  const qualifiers: Record<string, string> = Object.assign(Object.create(null), parsed.qualifiers);
  const { type, namespace, name, version } = parsed;
  if (typeof type !== "string" || typeof name !== "string") return undefined;
  return {
    type,
    ...(typeof namespace === "string" ? { namespace } : {}),
    name,
    ...(typeof version === "string" ? { version } : {}),
    qualifiers,
    ...sourceOf(qualifiers["upstream"], version ?? undefined),
    ...distributionOf(qualifiers["distro"]),
  };
}

/** `pkg:oci/harbour@sha256:…?repository_url=voyage/harbour` (purl-spec, oci); undefined for a name that makes none. */
export function ociPurl(repository: string, digest: string): string | undefined {
  const name = repository.split("/").at(-1) ?? repository;
  try {
    return new PackageURL("oci", undefined, name, digest, { repository_url: repository }, undefined).toString();
  } catch {
    return undefined;
  }
}

/** The digest of an artifact that a document is of: its version, or the one in its purl. */
export function digestOfSubject(subject: {
  readonly version?: string | undefined;
  readonly purl?: string | undefined;
}): string | undefined {
  const { version = "", purl = "" } = subject;
  if (/^sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})$/.test(version)) return version;
  const found = /@sha256(?::|%3A)([0-9a-f]{64})/i.exec(purl);
  return found === null ? undefined : `sha256:${found[1]!.toLowerCase()}`;
}

/**
 * Name and namespace of a package whose format has one name for both: `@scope/name`, `group:artifact`, `name`.
 * A name that is not that of its purl stays as it is.
 */
export function splitName(name: string, purl: ParsedPurl | undefined): { name: string; namespace?: string } {
  if (purl === undefined || purl.type === "oci" || purl.type === "docker") return { name };
  const { namespace } = purl;
  if (name !== purl.name && name !== `${namespace}/${purl.name}` && name !== `${namespace}:${purl.name}`)
    return { name };
  return { name: purl.name, ...(namespace === undefined ? {} : { namespace }) };
}

function sourceOf(upstream: string | undefined, version: string | undefined): Pick<ParsedPurl, "source"> {
  if (upstream === undefined || upstream === "") return {};
  const at = upstream.lastIndexOf("@");
  if (at > 0) return { source: { name: upstream.slice(0, at), version: upstream.slice(at + 1) } };
  return version === undefined ? {} : { source: { name: upstream, version } };
}

function distributionOf(distro: string | undefined): Pick<ParsedPurl, "distribution"> {
  if (distro === undefined || distro.length > 64) return {};
  const [, id, version] =
    /^([A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z][A-Za-z0-9_]*)*)-?(\d[A-Za-z0-9._]*)?$/.exec(distro) ?? [];
  return id === undefined || version === undefined ? {} : { distribution: { id, version } };
}
