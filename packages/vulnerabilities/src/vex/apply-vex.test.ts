// Statements on findings: which one counts, for which package, and when none does.
import type { Finding } from "@pratique/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyVex, type VexSubject } from "./apply-vex.ts";
import { readVex } from "./read-vex.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const SUBJECT: VexSubject = {
  digests: [DIGEST],
  repository: "team/weather",
  registry: "localhost:7340",
  tags: ["1.0"],
};
const NOW = new Date("2026-11-24T12:00:00Z");
const IMAGE = `pkg:oci/weather@sha256%3A${"a".repeat(64)}?repository_url=localhost:7340/team/weather`;

function finding(facts: Partial<Finding> = {}): Finding {
  return {
    id: "CVE-2026-1",
    aliases: ["GHSA-1"],
    purl: "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12",
    locations: [],
    severity: "high",
    fixedIn: [],
    knownExploited: false,
    malicious: false,
    source: "osv",
    state: "affected",
    ...facts,
  };
}

interface Said {
  readonly status?: string;
  readonly products?: unknown[];
  readonly [key: string]: unknown;
}

function document(...statements: Said[]): Record<string, unknown> {
  return {
    "@context": "https://openvex.dev/ns/v0.2.0",
    "@id": "https://openvex.dev/docs/example/1",
    author: "Jane",
    timestamp: "2026-11-01T00:00:00Z",
    version: 1,
    statements: statements.map((statement) => ({
      vulnerability: { name: "CVE-2026-1" },
      products: [{ "@id": IMAGE }],
      status: "not_affected",
      justification: "vulnerable_code_not_present",
      ...statement,
    })),
  };
}

function judge(json: unknown, options: { finding?: Partial<Finding>; subject?: VexSubject; signer?: string } = {}) {
  const reading = readVex(json, options.signer);
  if (reading === undefined) throw new Error("not read");
  const source = { ...reading, isOfSubject: options.signer !== undefined };
  const { findings, ignored } = applyVex([finding(options.finding)], [source], options.subject ?? SUBJECT, NOW);
  return { ...findings[0]!, ignored };
}

describe("a statement", () => {
  it("says who, why and when", () => {
    expect(judge(document({}), { signer: "owner" })).toMatchObject({
      state: "not_affected",
      vex: {
        author: "owner (Jane)",
        statement: "https://openvex.dev/docs/example/1#1",
        justification: "vulnerable_code_not_present",
        time: "2026-11-01T00:00:00.000Z",
      },
    });
  });

  it("is found by an alias of the vulnerability", () => {
    expect(judge(document({ vulnerability: { name: "ghsa-1" } })).state).toBe("not_affected");
    const alias = { name: "X-1", aliases: ["CVE-2026-1"] };
    expect(judge(document({ vulnerability: alias })).state).toBe("not_affected");
    expect(judge(document({ vulnerability: { name: "CVE-2026-11" } })).state).toBe("affected");
  });

  it("is overruled by a newer one, in whatever order they stand", () => {
    const old = { timestamp: "2026-10-01T00:00:00Z" };
    const late = { timestamp: "2026-11-20T00:00:00Z", status: "under_investigation" };
    expect(judge(document(old, late)).state).toBe("under_investigation");
    expect(judge(document(late, old)).state).toBe("under_investigation");
  });

  it("of the same time as another yields to the one that is less at ease", () => {
    expect(judge(document({ status: "affected" }, {})).state).toBe("affected");
    expect(judge(document({}, { status: "affected" })).state).toBe("affected");
  });

  it("says nothing after it expires, before its time, and without a reason", () => {
    expect(judge(document({ status_notes: "expires=2026-11-24T11:59:59Z" }))).toMatchObject({
      state: "affected",
      ignored: [{ reason: expect.stringContaining("expired") }],
    });
    expect(judge(document({ status_notes: "expires=soon" })).state).toBe("affected");
    expect(judge(document({ status_notes: "see expires=2027-01-01T00:00:00Z" })).vex?.expires).toContain("2027-01-01");
    expect(judge(document({ timestamp: "2026-11-24T12:00:01Z" }))).toMatchObject({
      state: "affected",
      ignored: [{ reason: expect.stringContaining("time to come") }],
    });
    expect(judge(document({ justification: undefined }))).toMatchObject({
      state: "affected",
      ignored: [{ reason: expect.stringContaining("why") }],
    });
  });

  it("never speaks for malice", () => {
    expect(judge(document({}), { finding: { malicious: true } }).state).toBe("affected");
  });
});

describe("a product", () => {
  const state = (product: unknown, subject = SUBJECT) => judge(document({ products: [product] }), { subject }).state;

  it.each([
    ["the image by digest, wherever it lies", `pkg:oci/other@sha256%3A${"a".repeat(64)}`, "not_affected"],
    ["another image", `pkg:oci/weather@sha256%3A${"b".repeat(64)}`, "affected"],
    ["the image by name", "pkg:oci/weather", "not_affected"],
    ["another name that ends alike", "pkg:oci/ther", "affected"],
    ["the image in another place", "pkg:oci/weather?repository_url=ghcr.io/evil/weather", "affected"],
    ["the image by a tag it has", "pkg:docker/team/weather@1.0", "not_affected"],
    ["the image by a tag it has not", "pkg:docker/team/weather@2.0", "affected"],
    ["the package, any version", "pkg:deb/debian/libssl3", "not_affected"],
    ["the package in that version", "pkg:deb/debian/libssl3@3.0.11-1", "not_affected"],
    ["the package in another version", "pkg:deb/debian/libssl3@3.0.12-1", "affected"],
    ["the package for that architecture", "pkg:deb/debian/libssl3?arch=amd64", "not_affected"],
    ["the package for another architecture", "pkg:deb/debian/libssl3?arch=arm64", "affected"],
    ["another package", "pkg:deb/debian/openssl", "affected"],
    ["what is no purl", "libssl3", "affected"],
    ["a purl that is none", "pkg:deb", "affected"],
  ])("names %s", (_what, purl, expected) => expect(state({ "@id": purl })).toBe(expected));

  it.each([
    [
      "its source package",
      "pkg:deb/debian/openssl@3.0.11-1?os_distro=bookworm&os_name=debian&os_version=12",
      "not_affected",
    ],
    ["its source package, any version", "pkg:deb/debian/openssl", "not_affected"],
    ["its source package in another version", "pkg:deb/debian/openssl@3.0.12-1", "affected"],
    ["its source package in another release", "pkg:deb/debian/openssl?os_name=debian&os_version=13", "affected"],
    ["its source package in another distribution", "pkg:deb/debian/openssl?os_name=ubuntu", "affected"],
    ["its source package in a release that only has a name", "pkg:deb/debian/openssl?os_distro=trixie", "affected"],
    ["the package in that release", "pkg:deb/debian/libssl3?distro=debian-12", "not_affected"],
  ])("names %s", (_what, purl, expected) => {
    const component = {
      type: "deb",
      name: "libssl3",
      version: "3.0.11-1",
      purl: finding().purl,
      source: { name: "openssl", version: "3.0.11-1" },
      distribution: { id: "debian", version: "12" },
      licences: [],
      locations: [],
    };
    expect(state({ "@id": purl }, { ...SUBJECT, components: [component] })).toBe(expected);
  });

  it("may be named by its hash, and by an identifier beside its id", () => {
    expect(state({ "@id": "urn:x", hashes: { "sha-256": "a".repeat(64) } })).toBe("not_affected");
    expect(state({ "@id": "urn:x", identifiers: { purl: "pkg:oci/weather" } })).toBe("not_affected");
  });

  it("with parts speaks for those alone", () => {
    const parts = (purl: string) => ({ "@id": IMAGE, subcomponents: [{ "@id": purl }] });
    expect(state(parts("pkg:deb/debian/libssl3"))).toBe("not_affected");
    expect(state(parts("pkg:deb/debian/zlib1g"))).toBe("affected");
    expect(state({ "@id": "pkg:oci/other", subcomponents: [{ "@id": "pkg:deb/debian/libssl3" }] })).toBe("affected");
  });

  it("may be left out when the document is signed as being about the artifact, and not otherwise", () => {
    expect(judge(document({ products: [] }), { signer: "owner" }).state).toBe("not_affected");
    expect(judge(document({ products: [] })).state).toBe("affected");
  });

  it("may be a text, as in OpenVEX 0.0.1", () => {
    expect(judge(document({ vulnerability: "CVE-2026-1", products: [IMAGE] })).state).toBe("not_affected");
  });
});

describe("reading", () => {
  it("takes nothing for OpenVEX that is not", () => {
    for (const json of [null, 1, [], {}, { "@context": "https://evil/ns" }, { statements: [] }]) {
      expect(readVex(json)).toBeUndefined();
    }
  });

  it("keeps the sound statements of a document, and names the others", () => {
    const json = document({}, { status: "who knows" });
    expect(readVex(json)).toMatchObject({ statements: [{ status: "not_affected" }], ignored: [{}] });
  });

  it("never throws, and never changes how many findings there are", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (products, status) => {
        const reading = readVex(document({ products: products as unknown[], status: status as string }));
        const sources = reading === undefined ? [] : [{ ...reading, isOfSubject: true }];
        expect(applyVex([finding()], sources, SUBJECT, NOW).findings).toHaveLength(1);
      }),
    );
  });
});
