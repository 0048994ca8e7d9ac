// Statements of CSAF documents: which products they reach, and which they must not.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readVex } from "./read-vex.ts";

function csaf(vulnerability: object, tracking: object = {}): object {
  const product = (id: string, helper: object) => ({ name: id, product_id: id, product_identification_helper: helper });
  return {
    document: {
      category: "csaf_vex",
      csaf_version: "2.0",
      publisher: { category: "vendor", name: "ACME", namespace: "https://acme.example" },
      title: "x",
      tracking: {
        id: "ACME-1",
        status: "final",
        version: "1",
        current_release_date: "2026-11-01T00:00:00+01:00",
        ...tracking,
      },
    },
    product_tree: {
      branches: [
        {
          category: "vendor",
          name: "ACME",
          branches: [
            { category: "product_version", name: "1", product: product("app", { purl: "pkg:oci/app" }) },
            {
              category: "product_version",
              name: "2",
              product: product("rhel", { cpe: "cpe:/o:redhat:enterprise_linux:9" }),
            },
          ],
        },
      ],
      full_product_names: [product("ssl", { purl: "pkg:rpm/redhat/openssl" })],
      relationships: [
        {
          category: "default_component_of",
          full_product_name: { name: "ssl in app", product_id: "app:ssl" },
          product_reference: "ssl",
          relates_to_product_reference: "app",
        },
        {
          category: "default_component_of",
          full_product_name: { name: "ssl in rhel", product_id: "rhel:ssl" },
          product_reference: "ssl",
          relates_to_product_reference: "rhel",
        },
      ],
    },
    vulnerabilities: [{ cve: "CVE-2026-1", ids: [{ system_name: "acme", text: "acme-7" }], ...vulnerability }],
  };
}

const flag = (...ids: string[]) => [{ label: "vulnerable_code_not_present", product_ids: ids }];

describe("a CSAF document", () => {
  it("says of a part of a product that it does not matter, by whom and why", () => {
    const json = csaf({ product_status: { known_not_affected: ["app:ssl"] }, flags: flag("app:ssl") });
    expect(readVex(json, "acme")?.statements).toEqual([
      {
        author: "acme (ACME)",
        statement: "ACME-1#1",
        vulnerabilities: ["CVE-2026-1", "ACME-7"],
        status: "not_affected",
        justification: "vulnerable_code_not_present",
        time: "2026-10-31T23:00:00.000Z",
        products: [
          { purls: ["pkg:oci/app"], hashes: [], subcomponents: [{ purls: ["pkg:rpm/redhat/openssl"], hashes: [] }] },
        ],
      },
    ]);
  });

  it("does not let what is said of one distribution count in every other", () => {
    const json = csaf({ product_status: { known_not_affected: ["rhel:ssl"] }, flags: flag("rhel:ssl") });
    expect(readVex(json)?.statements[0]?.products[0]).toMatchObject({ purls: [], hashes: [] });
  });

  it("takes a reason from the impact, and says nothing without one", () => {
    const threats = [{ category: "impact", details: "never called", product_ids: ["app"] }];
    const status = { product_status: { known_not_affected: ["app"] } };
    expect(readVex(csaf({ ...status, threats }))?.statements[0]).toMatchObject({ justification: "never called" });
    expect(readVex(csaf(status))).toMatchObject({
      statements: [],
      ignored: [{ reason: expect.stringContaining("why") }],
    });
  });

  it("keeps each status apart", () => {
    const of = { known_affected: ["app"], fixed: ["ssl"], under_investigation: ["app:ssl"] };
    const statuses = readVex(csaf({ product_status: of }))?.statements.map(({ status }) => status);
    expect(statuses).toEqual(["affected", "fixed", "under_investigation"]);
  });

  it("says nothing while it is a draft", () => {
    const json = csaf({ product_status: { fixed: ["app"] } }, { status: "draft" });
    expect(readVex(json)).toMatchObject({ statements: [], ignored: [{ statement: "ACME-1" }] });
  });

  it("never throws", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (status, flags) => {
        readVex(csaf({ product_status: status, flags }));
      }),
    );
  });
});
