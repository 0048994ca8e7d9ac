// Under which names a package of an artifact is known to those who state something of it.
import type { PackageComponent } from "@pratique/contracts";
import { parsePurl, purlMatches, type ParsedPurl } from "./purl-match.ts";

/** Qualifiers that name a distribution; what writes them writes each its own (Docker Hardened Images: the first three). */
const DISTRIBUTION = ["os_name", "os_version", "os_distro", "distro"] as const;

export class ComponentNames {
  readonly #components: ReadonlyMap<string, PackageComponent>;
  /** What a package may be called, by its purl. */
  readonly #names = new Map<string, readonly ParsedPurl[]>();
  readonly #wanted = new Map<string, ParsedPurl | undefined>();

  constructor(components: readonly PackageComponent[]) {
    this.#components = new Map(components.map((component) => [component.purl, component]));
  }

  /** By itself, or as what its source package is built into: a distribution speaks of sources. */
  isNamed(purl: string, text: string): boolean {
    const wanted = this.#parsed(text);
    if (wanted === undefined) return false;
    const known = this.#components.get(purl)?.distribution;
    const asked = known === undefined ? wanted : withoutDistribution(wanted, known);
    return asked !== undefined && this.#namesOf(purl).some((name) => purlMatches(asked, name));
  }

  #parsed(text: string): ParsedPurl | undefined {
    if (!this.#wanted.has(text)) this.#wanted.set(text, parsePurl(text));
    return this.#wanted.get(text);
  }

  #namesOf(purl: string): readonly ParsedPurl[] {
    const known = this.#names.get(purl);
    if (known !== undefined) return known;
    const own = parsePurl(purl);
    const source = this.#components.get(purl)?.source;
    const names = own === undefined ? [] : source === undefined ? [own] : [own, { ...own, ...source }];
    this.#names.set(purl, names);
    return names;
  }
}

/** Undefined when it names another distribution, or another release of it. */
function withoutDistribution(
  wanted: ParsedPurl,
  { id, version }: { readonly id: string; readonly version: string },
): ParsedPurl | undefined {
  const { os_name: name, os_version: release, os_distro: codename, distro } = wanted.qualifiers;
  if (name !== undefined && name !== id) return undefined;
  if (release !== undefined && release !== version && release !== version.split(".")[0]) return undefined;
  // A codename says nothing that its number does not say; alone it cannot be checked.
  if (codename !== undefined && release === undefined) return undefined;
  if (distro !== undefined && distro !== `${id}-${version}` && distro !== `${id}-${version.split(".")[0]}`)
    return undefined;
  const rest = Object.entries(wanted.qualifiers).filter(([key]) => !DISTRIBUTION.some((one) => one === key));
  return { ...wanted, qualifiers: Object.fromEntries(rest) };
}
