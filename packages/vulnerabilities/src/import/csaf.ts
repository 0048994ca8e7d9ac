// CSAF 2.0 as Red Hat publishes it: advisories (RHSA) and VEX files.
import { z } from "zod";
import type { Advisory, AffectedPackage } from "../database/advisory.ts";
import { scoreOfVector, severityOfScore, severityOfWord } from "../match/severity.ts";
import { plainLine } from "./limits.ts";
import { normalTime } from "./osv-record.ts";
import { productsOf, ProductTree, type CsafProducts } from "./csaf-products.ts";

const Ids = z.array(z.string().max(2000)).max(500_000).optional();

const Vulnerability = z.object({
  cve: z
    .string()
    .regex(/^CVE-\d{4}-\d{4,}$/)
    .optional(),
  title: z.string().optional(),
  product_status: z
    .object({ fixed: Ids, first_fixed: Ids, known_affected: Ids, last_affected: Ids, under_investigation: Ids })
    .optional(),
  scores: z
    .array(
      z.object({
        cvss_v2: z.object({ vectorString: z.string() }).optional(),
        cvss_v3: z.object({ vectorString: z.string() }).optional(),
        cvss_v4: z.object({ vectorString: z.string() }).optional(),
      }),
    )
    .max(10_000)
    .optional(),
  threats: z
    .array(z.object({ category: z.string(), details: z.string().max(10_000) }))
    .max(50_000)
    .optional(),
});
type Vulnerability = z.infer<typeof Vulnerability>;

const CsafDocument = z.object({
  document: z.object({
    category: z.string().max(100),
    title: z.string().optional(),
    aggregate_severity: z.object({ text: z.string().max(100) }).optional(),
    tracking: z.object({
      id: z.string().min(1).max(200),
      current_release_date: z.string().max(64),
      status: z.string().max(50).optional(),
    }),
  }),
  product_tree: ProductTree.optional(),
  vulnerabilities: z.array(Vulnerability).max(10_000).optional(),
});

/** The advisory of a document; it concerns nothing when no distribution is in it that is known here. @throws ZodError, TypeError */
export function readCsaf(value: unknown): Advisory {
  const { document, product_tree: tree, vulnerabilities = [] } = CsafDocument.parse(value);
  const { id, current_release_date: released } = document.tracking;
  const products = productsOf(tree);
  const cves = vulnerabilities.flatMap(({ cve }) => cve ?? []).filter((cve) => cve !== id);
  const score = maximum(vulnerabilities.flatMap((one) => scoreOf(one) ?? []));
  const word = document.aggregate_severity === undefined ? undefined : severityOfWord(document.aggregate_severity.text);
  const severity = word ?? (score === undefined ? undefined : severityOfScore(score));
  const summary = document.title ?? vulnerabilities[0]?.title;
  return {
    id,
    modified: normalTime(released),
    ...(cves.length === 0 ? {} : { upstream: [...new Set(cves)] }),
    ...(summary === undefined ? {} : { summary: plainLine(summary) }),
    ...(severity === undefined ? {} : { severity }),
    ...(score === undefined ? {} : { score }),
    affected: joined(vulnerabilities.flatMap((one) => affectedBy(one, products, word))),
  };
}

function scoreOf({ scores = [] }: Vulnerability): number | undefined {
  const vectors = scores.flatMap(({ cvss_v4: v4, cvss_v3: v3, cvss_v2: v2 }) => v4 ?? v3 ?? v2 ?? []);
  return maximum(vectors.flatMap(({ vectorString }) => scoreOfVector(vectorString) ?? []));
}

function affectedBy(
  vulnerability: Vulnerability,
  products: CsafProducts,
  documentSeverity: Advisory["severity"],
): AffectedPackage[] {
  const { product_status: status = {}, threats = [] } = vulnerability;
  const impact = threats.find(({ category }) => category === "impact");
  const severity = (impact === undefined ? undefined : severityOfWord(impact.details)) ?? documentSeverity;
  const rated = severity === undefined ? {} : { severity };
  const fixed = [...(status.fixed ?? []), ...(status.first_fixed ?? [])];
  const open = [...(status.known_affected ?? []), ...(status.last_affected ?? [])];
  return [
    ...products.packages(fixed).flatMap(({ ecosystem, name, version, module }): AffectedPackage[] =>
      version === undefined
        ? []
        : [
            {
              ecosystem,
              name,
              ranges: [
                {
                  type: "ECOSYSTEM",
                  events: [
                    ["introduced", "0"],
                    ["fixed", version],
                  ],
                },
              ],
              ...(module === undefined ? {} : { module }),
              ...rated,
            },
          ],
    ),
    ...products.packages(open).map((one) => withoutFix(one, rated)),
    ...products
      .packages(status.under_investigation ?? [])
      .map((one) => ({ ...withoutFix(one, rated), undetermined: true })),
  ];
}

function withoutFix(
  { ecosystem, name, module }: { ecosystem: string; name: string; module?: string | undefined },
  rated: Pick<AffectedPackage, "severity">,
): AffectedPackage {
  return {
    ecosystem,
    name,
    ranges: [{ type: "ECOSYSTEM", events: [["introduced", "0"]] }],
    ...(module === undefined ? {} : { module }),
    ...rated,
  };
}

/** Several vulnerabilities of an advisory have the same fix. */
function joined(affected: readonly AffectedPackage[]): AffectedPackage[] {
  return [...new Map(affected.map((one) => [JSON.stringify({ ...one, severity: undefined }), one])).values()];
}

function maximum(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((a, b) => Math.max(a, b));
}
