// Whether a purl that somebody wrote names a package or an image that is there.
import { PackageURL } from "packageurl-js";

const LIMIT_CHARS = 4096;

export interface ParsedPurl {
  readonly type: string;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly version: string | undefined;
  readonly qualifiers: Readonly<Record<string, string>>;
}

/** Undefined when it is none. */
export function parsePurl(text: string): ParsedPurl | undefined {
  if (text.length > LIMIT_CHARS || !text.startsWith("pkg:")) return undefined;
  try {
    const { type, namespace, name, version, qualifiers } = PackageURL.fromString(text);
    if (typeof type !== "string" || typeof name !== "string") return undefined;
    const own = Object.fromEntries(Object.entries(qualifiers ?? {}).map(([key, value]) => [key, String(value)]));
    return { type, namespace: namespace ?? undefined, name, version: version ?? undefined, qualifiers: own };
  } catch {
    // Not a purl, which is the answer.
    return undefined;
  }
}

/** What the wanted one leaves out may be anything; what it says must be so. */
export function purlMatches(wanted: ParsedPurl, there: ParsedPurl): boolean {
  if (wanted.type !== there.type || wanted.name !== there.name) return false;
  if ((wanted.namespace ?? "") !== (there.namespace ?? "")) return false;
  if (wanted.version !== undefined && wanted.version !== there.version) return false;
  return Object.entries(wanted.qualifiers).every(([key, value]) => there.qualifiers[key] === value);
}
