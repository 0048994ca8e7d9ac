// What statements make of findings: last of all, so that everything stays to be seen, with who said what and why.
import type { Finding, FindingState, PackageComponent } from "@pratique/contracts";
import { ComponentNames } from "./component-names.ts";
import { parsePurl, type ParsedPurl } from "./purl-match.ts";
import type { IgnoredStatement, VexComponent, VexReading, VexStatement } from "./vex-statement.ts";

/** The artifact that findings are of, under all the names that a product may have. */
export interface VexSubject {
  /** Its own, and those of the images that an index lists; `sha256:…`. */
  readonly digests: readonly string[];
  /** `registry/repository`, or repository alone. */
  readonly repository?: string | undefined;
  readonly registry?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  /** What is in it: for names of a package that are not in its purl, such as its source package. */
  readonly components?: readonly PackageComponent[] | undefined;
}

/** A reading; `isOfSubject`: it is signed as being about this very artifact. */
export interface VexSource extends VexReading {
  readonly isOfSubject: boolean;
}

export interface VexOutcome {
  readonly findings: readonly Finding[];
  readonly ignored: readonly IgnoredStatement[];
}

/** Of statements of one time the one that is less at ease wins. */
const CAUTION: Readonly<Record<FindingState, number>> = {
  affected: 3,
  under_investigation: 2,
  fixed: 1,
  not_affected: 0,
};

/**
 * Gives each finding the state that the newest statement on it says. Of malice there is nothing to state: such a finding
 * stays as it is. What has expired, or is of a time to come, says nothing.
 */
export function applyVex(
  findings: readonly Finding[],
  sources: readonly VexSource[],
  subject: VexSubject,
  now: Date,
): VexOutcome {
  const ignored = sources.flatMap((source) => source.ignored);
  const byName = new Map<string, Candidate[]>();
  for (const { statements, isOfSubject } of sources) {
    for (const statement of statements) {
      const reason = timeProblem(statement, now);
      if (reason !== undefined) {
        ignored.push({ statement: statement.statement, reason });
        continue;
      }
      for (const name of statement.vulnerabilities) {
        const list = byName.get(name);
        if (list === undefined) byName.set(name, [{ statement, isOfSubject }]);
        else list.push({ statement, isOfSubject });
      }
    }
  }
  const image = new ImageNames(subject);
  const names = new ComponentNames(subject.components ?? []);
  return { findings: findings.map((finding) => judged(finding, byName, { image, names })), ignored };
}

interface Candidate {
  readonly statement: VexStatement;
  readonly isOfSubject: boolean;
}

function timeProblem({ time, expires }: VexStatement, now: Date): string | undefined {
  if (Date.parse(time) > now.getTime()) return `it is of a time to come (${time})`;
  if (expires !== undefined && Date.parse(expires) <= now.getTime()) return `it expired at ${expires}`;
  return undefined;
}

interface Names {
  readonly image: ImageNames;
  readonly names: ComponentNames;
}

function judged(finding: Finding, byName: ReadonlyMap<string, Candidate[]>, { image, names }: Names): Finding {
  if (finding.malicious || byName.size === 0) return finding;
  const isPart = ({ purls }: VexComponent): boolean => purls.some((purl) => names.isNamed(finding.purl, purl));
  let last: VexStatement | undefined;
  for (const name of new Set([finding.id, ...finding.aliases])) {
    for (const { statement, isOfSubject } of byName.get(name.toUpperCase()) ?? []) {
      const isNewer = last === undefined || isLater(statement, last);
      if (isNewer && concerns(statement, isOfSubject, isPart, image)) last = statement;
    }
  }
  if (last === undefined) return finding;
  const { author, statement, justification, time, expires, status } = last;
  return {
    ...finding,
    state: status,
    vex: {
      author,
      statement,
      ...(justification === undefined ? {} : { justification }),
      time,
      ...(expires === undefined ? {} : { expires }),
    },
  };
}

function isLater(one: VexStatement, other: VexStatement): boolean {
  const difference = Date.parse(one.time) - Date.parse(other.time);
  return difference > 0 || (difference === 0 && CAUTION[one.status] > CAUTION[other.status]);
}

/** By the image and its part, or by the package itself as the product. */
function concerns(
  { products }: VexStatement,
  isOfSubject: boolean,
  isPart: (component: VexComponent) => boolean,
  image: ImageNames,
): boolean {
  if (products.length === 0) return isOfSubject;
  return products.some((product) => {
    if (isPart(product)) return true;
    if (!image.isNamedBy(product)) return false;
    return product.subcomponents.length === 0 || product.subcomponents.some(isPart);
  });
}

/** Under which product names an image is known. */
class ImageNames {
  readonly #subject: VexSubject;
  readonly #known = new Map<string, boolean>();

  constructor(subject: VexSubject) {
    this.#subject = subject;
  }

  isNamedBy({ purls, hashes }: VexComponent): boolean {
    if (hashes.some((hash) => this.#subject.digests.includes(`sha256:${hash}`))) return true;
    return purls.some((text) => this.#isNamed(text));
  }

  #isNamed(text: string): boolean {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const purl = parsePurl(text);
    const isNamed = purl !== undefined && (purl.type === "oci" || purl.type === "docker") && this.#fits(purl);
    this.#known.set(text, isNamed);
    return isNamed;
  }

  #fits({ namespace, name, version, qualifiers, type }: ParsedPurl): boolean {
    const { digests, repository, registry, tags = [] } = this.#subject;
    // A digest is enough: wherever the image lies, it is this one.
    if (version !== undefined && /^sha(?:256|512):/.test(version)) return digests.includes(version);
    if (repository === undefined) return false;
    const place = registry === undefined ? repository : `${registry}/${repository}`;
    const { repository_url: url, tag } = qualifiers;
    if (url !== undefined && url !== place && url !== repository) return false;
    const wanted = type === "docker" && namespace !== undefined ? `${namespace}/${name}` : name;
    if (repository !== wanted && !repository.endsWith(`/${wanted}`)) return false;
    const label = type === "docker" ? version : tag;
    if (type === "oci" && version !== undefined) return false;
    return label === undefined || tags.includes(label);
  }
}
