// Reads what a CSAF 2.0 document says of products (OASIS CSAF 2.0 §3.2, VEX profile §4.5). A product that has no purl and
// no hash, such as a distribution named by its CPE, is none that is known here: what is said of parts of it says nothing.
import type { FindingState } from "@pratique/contracts";
import { z } from "zod";
import { STATEMENT_LIMIT, type IgnoredStatement, type VexComponent, type VexProduct } from "./vex-statement.ts";
import type { VexReading, VexStatement } from "./vex-statement.ts";

const MANY = 200_000;
const Text = z.string().max(4096);
const Ids = z.array(Text).max(MANY).default([]);

const Product = z.looseObject({
  product_id: Text,
  product_identification_helper: z
    .looseObject({
      purl: Text.optional(),
      hashes: z
        .array(z.looseObject({ file_hashes: z.array(z.looseObject({ algorithm: Text, value: Text })).max(100) }))
        .max(100)
        .optional(),
    })
    .optional(),
});
type Product = z.infer<typeof Product>;

interface Branch {
  readonly product?: Product | undefined;
  readonly branches?: readonly unknown[] | undefined;
}
const Branch: z.ZodType<Branch> = z.looseObject({
  product: Product.optional(),
  branches: z.array(z.unknown()).max(MANY).optional(),
});
const DEPTH_LIMIT = 16;

const Document = z.looseObject({
  document: z.looseObject({
    csaf_version: z.literal("2.0"),
    publisher: z.looseObject({ name: Text }),
    tracking: z.looseObject({ id: Text, current_release_date: Text, status: Text }),
  }),
  product_tree: z
    .looseObject({
      branches: z.array(z.unknown()).max(MANY).default([]),
      full_product_names: z.array(Product).max(MANY).default([]),
      relationships: z
        .array(
          z.looseObject({
            full_product_name: Product,
            product_reference: Text,
            relates_to_product_reference: Text,
          }),
        )
        .max(MANY)
        .default([]),
    })
    .optional(),
  vulnerabilities: z.array(z.unknown()).max(STATEMENT_LIMIT).default([]),
});

const Vulnerability = z.looseObject({
  cve: Text.optional(),
  ids: z
    .array(z.looseObject({ text: Text }))
    .max(100)
    .default([]),
  product_status: z.looseObject({
    known_not_affected: Ids,
    known_affected: Ids,
    first_affected: Ids,
    last_affected: Ids,
    fixed: Ids,
    first_fixed: Ids,
    under_investigation: Ids,
  }),
  flags: z
    .array(z.looseObject({ label: Text, product_ids: Ids }))
    .max(MANY)
    .default([]),
  threats: z
    .array(z.looseObject({ category: Text, details: z.string(), product_ids: Ids }))
    .max(MANY)
    .default([]),
});
type Vulnerability = z.infer<typeof Vulnerability>;

/** Undefined when it is not CSAF at all. `signer`: who signed it; without, the document's own word counts. */
export function readCsaf(json: unknown, signer?: string): VexReading | undefined {
  const read = Document.safeParse(json).data;
  if (read === undefined) return undefined;
  const { publisher, tracking } = read.document;
  const time = Date.parse(tracking.current_release_date);
  if (tracking.status === "draft" || Number.isNaN(time)) {
    return { statements: [], ignored: [{ statement: tracking.id, reason: "it is a draft, or has no date" }] };
  }
  const products = productsOf(read.product_tree);
  const author = signer === undefined ? publisher.name : `${signer} (${publisher.name})`;
  const statements: VexStatement[] = [];
  const ignored: IgnoredStatement[] = [];
  for (const [index, item] of read.vulnerabilities.entries()) {
    const statement = `${tracking.id}#${index + 1}`;
    const vulnerability = Vulnerability.safeParse(item).data;
    if (vulnerability === undefined) {
      ignored.push({ statement, reason: "it is not a vulnerability as CSAF has them" });
      continue;
    }
    const names = [vulnerability.cve, ...vulnerability.ids.map(({ text }) => text)];
    const common = {
      author,
      statement,
      vulnerabilities: names.filter((name) => name !== undefined).map((name) => name.toUpperCase()),
      time: new Date(time).toISOString(),
    };
    for (const { status, justification, ids } of saidIn(vulnerability)) {
      if (status === "not_affected" && justification === undefined) {
        ignored.push({
          statement,
          reason: `it says known_not_affected of ${ids.length} products and does not say why`,
        });
        continue;
      }
      const named = ids.flatMap((id) => products.get(id) ?? []);
      if (named.length > 0) statements.push({ ...common, status, justification, products: named });
    }
  }
  return { statements, ignored };
}

interface Said {
  readonly status: FindingState;
  readonly justification?: string | undefined;
  readonly ids: readonly string[];
}

/** Products of one status, and of one reason. */
function saidIn({ product_status: of, flags, threats }: Vulnerability): Said[] {
  const reasons = new Map<string, string>();
  for (const { category, details, product_ids: ids } of threats) {
    if (category === "impact") for (const id of ids) reasons.set(id, details);
  }
  for (const { label, product_ids: ids } of flags) for (const id of ids) reasons.set(id, label);
  const free = Map.groupBy(of.known_not_affected, (id) => reasons.get(id));
  const others: Said[] = [
    { status: "affected", ids: [...of.known_affected, ...of.first_affected, ...of.last_affected] },
    { status: "fixed", ids: [...of.fixed, ...of.first_fixed] },
    { status: "under_investigation", ids: of.under_investigation },
  ];
  return [
    ...[...free].map(([justification, ids]): Said => ({ status: "not_affected", justification, ids })),
    ...others.filter(({ ids }) => ids.length > 0),
  ];
}

function productsOf(tree: z.infer<typeof Document>["product_tree"]): Map<string, VexProduct> {
  const products = new Map<string, VexProduct>();
  const add = (product: Product): void =>
    void products.set(product.product_id, { ...componentOf(product), subcomponents: [] });
  for (const product of tree?.full_product_names ?? []) add(product);
  addBranches(tree?.branches ?? [], add, DEPTH_LIMIT);
  for (const {
    full_product_name: whole,
    product_reference: part,
    relates_to_product_reference: of,
  } of tree?.relationships ?? []) {
    const [inner, outer] = [products.get(part), products.get(of)];
    if (inner === undefined || outer === undefined) continue;
    const { purls, hashes } = componentOf(whole);
    products.set(whole.product_id, {
      // The relationship may have a name of its own, else it is the part in what it relates to.
      purls: purls.length > 0 ? purls : outer.purls,
      hashes: hashes.length > 0 ? hashes : outer.hashes,
      subcomponents: [{ purls: inner.purls, hashes: inner.hashes }],
    });
  }
  return products;
}

function addBranches(items: readonly unknown[], add: (product: Product) => void, depth: number): void {
  if (depth === 0) return;
  for (const item of items) {
    const branch = Branch.safeParse(item).data;
    if (branch?.product !== undefined) add(branch.product);
    addBranches(branch?.branches ?? [], add, depth - 1);
  }
}

function componentOf({ product_identification_helper: helper }: Product): VexComponent {
  const hashes = (helper?.hashes ?? []).flatMap(({ file_hashes: list }) => list);
  return {
    purls: helper?.purl === undefined ? [] : [helper.purl],
    hashes: hashes.filter(({ algorithm }) => algorithm === "sha256").map(({ value }) => value.toLowerCase()),
  };
}
