// The product tree of a CSAF document: which package of which distribution a product id means.
import { z } from "zod";
import { packageKey } from "../database/ecosystem.ts";

const Product = z.object({
  product_id: z.string().max(2000),
  product_identification_helper: z
    .object({ cpe: z.string().max(500).optional(), purl: z.string().max(2000).optional() })
    .optional(),
});

/** Six levels are deeper than anybody nests: vendor, family, architecture, version. */
function branch(depth: number): z.ZodType<Branch> {
  const Below: z.ZodType<Branch[] | undefined> =
    depth === 0
      ? z.undefined()
      : z
          .array(z.lazy(() => branch(depth - 1)))
          .max(500_000)
          .optional();
  return z.object({ product: Product.optional(), branches: Below });
}

interface Branch {
  readonly product?: z.infer<typeof Product> | undefined;
  readonly branches?: Branch[] | undefined;
}

const Relationship = z.object({
  product_reference: z.string().max(2000),
  relates_to_product_reference: z.string().max(2000),
  full_product_name: z.object({ product_id: z.string().max(2000) }),
});

export const ProductTree = z.object({
  branches: z.array(branch(6)).max(500_000).optional(),
  relationships: z.array(Relationship).max(500_000).optional(),
});
type ProductTree = z.infer<typeof ProductTree>;

/** A package of a distribution, as a product id means it. */
export interface CsafPackage {
  readonly ecosystem: string;
  readonly name: string;
  /** With epoch; undefined where the product stands for every version. */
  readonly version?: string | undefined;
  readonly module?: string | undefined;
  readonly isSource: boolean;
}

export interface CsafProducts {
  /** Each once; binary packages only where their source is not named too. */
  packages(ids: readonly string[]): CsafPackage[];
}

export function productsOf(tree: ProductTree | undefined): CsafProducts {
  const helpers = new Map<string, { cpe?: string | undefined; purl?: string | undefined }>();
  for (const { product_id: id, product_identification_helper: helper = {} } of productsIn(tree?.branches ?? [])) {
    helpers.set(id, helper);
  }
  const meanings = new Map<string, CsafPackage>();
  for (const one of tree?.relationships ?? []) {
    const ecosystem = ecosystemOfCpe(platformCpe(one.relates_to_product_reference, helpers));
    const purl = helpers.get(one.product_reference)?.purl;
    const found = ecosystem === undefined ? undefined : packageOfPurl(ecosystem, purl, one.product_reference);
    if (found !== undefined) meanings.set(one.full_product_name.product_id, withModule(found, one));
  }
  return { packages: (ids) => distinct(ids.flatMap((id) => meanings.get(id) ?? [])) };
}

function* productsIn(branches: readonly Branch[]): Generator<z.infer<typeof Product>> {
  for (const { product, branches: below = [] } of branches) {
    if (product !== undefined) yield product;
    yield* productsIn(below);
  }
}

/** `AppStream-9.4.0.Z.MAIN:nodejs:18:9040…` relates a module of that platform. */
function platformCpe(id: string, helpers: ReadonlyMap<string, { cpe?: string | undefined }>): string | undefined {
  return helpers.get(id)?.cpe ?? helpers.get(id.split(":")[0] ?? "")?.cpe;
}

/** Ordinary releases only: extended streams (`rhel_eus`) have fixes that others do not get. */
function ecosystemOfCpe(cpe: string | undefined): string | undefined {
  const match = /^cpe:(?:\/|2\.3:)[oa]:redhat:enterprise_linux:(\d+)/.exec(cpe ?? "");
  return match === null ? undefined : `Red Hat:${match[1]}`;
}

function packageOfPurl(ecosystem: string, purl: string | undefined, reference: string): CsafPackage | undefined {
  const match = /^pkg:rpm\/(?:redhat\/)?([^@?#]+)(?:@([^?#]+))?(?:\?([^#]*))?/.exec(purl ?? "");
  if (match === null) return undefined;
  const [, name = "", version, query = ""] = match;
  const qualifiers = new URLSearchParams(query);
  const epoch = qualifiers.get("epoch");
  const full = version === undefined ? undefined : `${epoch === null ? "" : `${epoch}:`}${decoded(version)}`;
  const label = qualifiers.get("rpmmod");
  return {
    ...packageKey(ecosystem, decoded(name)),
    ...(full === undefined ? {} : { version: full }),
    ...(label === null ? {} : { module: streamOf(label) }),
    isSource: qualifiers.get("arch") === "src" || reference.endsWith(".src"),
  };
}

function withModule(
  found: CsafPackage,
  { relates_to_product_reference: platform }: z.infer<typeof Relationship>,
): CsafPackage {
  const [, ...module] = platform.split(":");
  return found.module !== undefined || module.length < 2 ? found : { ...found, module: streamOf(module.join(":")) };
}

/** Name and stream of `nodejs:18:9040020240101:abc`. */
function streamOf(label: string): string {
  return label.split(":").slice(0, 2).join(":");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not encoded at all.
    return text;
  }
}

function distinct(packages: readonly CsafPackage[]): CsafPackage[] {
  const releases = new Set(packages.filter(({ isSource }) => isSource).map(({ ecosystem }) => ecosystem));
  const kept = packages.filter(({ isSource, ecosystem }) => isSource || !releases.has(ecosystem));
  return [
    ...new Map(kept.map((one) => [JSON.stringify([one.ecosystem, one.name, one.version, one.module]), one])).values(),
  ];
}
