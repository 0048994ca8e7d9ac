// Documents as other tools write them, and as somebody writes them who means harm.
import { isPratiqueError } from "@pratique/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packageComponentsOf } from "./package-component.ts";
import { readSbom } from "./sbom-facts.ts";
import { readSbomDocument, SBOM_FORMATS, writeSbom } from "./sbom-format.ts";

/** Trivy: source packages, layers and files stand in properties. */
const TRIVY = {
  bomFormat: "CycloneDX",
  specVersion: "1.6",
  metadata: {
    timestamp: "2026-10-01T00:00:00+00:00",
    tools: { components: [{ type: "application", name: "trivy", version: "0.70.0" }] },
    component: { type: "container", name: "debian:12", purl: `pkg:oci/debian@sha256%3A${"c".repeat(64)}?arch=amd64` },
  },
  components: [
    { "bom-ref": "os", type: "operating-system", name: "debian", version: "12.5" },
    {
      "bom-ref": "pkg:deb/debian/libssl3@3.0.11",
      type: "library",
      name: "libssl3",
      version: "3.0.11-1~deb12u2",
      licenses: [{ license: { name: "Apache-2.0" } }, { license: { name: "GPL-1+" } }],
      purl: "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12.5",
      properties: [
        { name: "aquasecurity:trivy:SrcName", value: "openssl" },
        { name: "aquasecurity:trivy:SrcVersion", value: "3.0.11" },
        { name: "aquasecurity:trivy:SrcRelease", value: "1~deb12u2" },
        { name: "aquasecurity:trivy:LayerDigest", value: "sha256:aaaa" },
      ],
    },
  ],
  dependencies: [{ ref: "os", dependsOn: ["pkg:deb/debian/libssl3@3.0.11"] }],
};

/** syft: the source package stands in the purl, the place in sourceInfo. */
const SYFT = {
  spdxVersion: "SPDX-2.3",
  dataLicense: "CC0-1.0",
  SPDXID: "SPDXRef-DOCUMENT",
  name: "alpine",
  creationInfo: { created: "redacted", creators: ["Organization: Anchore, Inc", "Tool: syft-1.30.0"] },
  packages: [
    {
      name: "alpine",
      SPDXID: "SPDXRef-DocumentRoot-Image-alpine",
      versionInfo: `sha256:${"d".repeat(64)}`,
      downloadLocation: "NOASSERTION",
      primaryPackagePurpose: "CONTAINER",
    },
    {
      name: "ssl_client",
      SPDXID: "SPDXRef-Package-apk-ssl-client",
      versionInfo: "1.36.1-r2",
      supplier: "Person: Sören Tempel (soeren@example.org)",
      downloadLocation: "https://busybox.net/",
      sourceInfo: "acquired package info from APK DB: /lib/apk/db/installed",
      licenseConcluded: "NOASSERTION",
      licenseDeclared: "LicenseRef-odd",
      externalRefs: [
        { referenceCategory: "SECURITY", referenceType: "cpe23Type", referenceLocator: "cpe:2.3:a:x:x:*" },
        {
          referenceCategory: "PACKAGE-MANAGER",
          referenceType: "purl",
          referenceLocator: "pkg:apk/alpine/ssl_client@1.36.1-r2?arch=x86_64&upstream=busybox&distro=alpine-3.18.4",
        },
      ],
    },
  ],
  files: [
    { fileName: "/bin/busybox", SPDXID: "SPDXRef-File-1", checksums: [{ algorithm: "SHA1", checksumValue: "AB" }] },
  ],
  hasExtractedLicensingInfos: [{ licenseId: "LicenseRef-odd", name: "odd licence", extractedText: "…" }],
  relationships: [
    {
      spdxElementId: "SPDXRef-DOCUMENT",
      relationshipType: "DESCRIBES",
      relatedSpdxElement: "SPDXRef-DocumentRoot-Image-alpine",
    },
  ],
};

const TAG_VALUE = `# made by hand
SPDXVersion: SPDX-2.2
DataLicense: CC0-1.0
SPDXID: SPDXRef-DOCUMENT
DocumentName: redis
Creator: Tool: by-hand
Created: 2026-01-01T00:00:00Z
PackageName: redis
SPDXID: SPDXRef-redis
PackageVersion: 7.2.4
PackageLicenseDeclared: LicenseRef-own
PackageDescription: <text>Several
lines: all of them one value</text>
ExternalRef: PACKAGE_MANAGER purl pkg:bitnami/redis@7.2.4-1?distro=debian-12
Annotator: Tool: pratique
AnnotationType: OTHER
AnnotationComment: pratique:layer=sha256:beef
SPDXREF: SPDXRef-redis
LicenseID: LicenseRef-own
ExtractedText: <text>All rights reserved</text>
LicenseName: Own licence
Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-redis
Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-other
`;

describe("what other tools write", () => {
  it("reads Trivy's properties", () => {
    const read = readSbomDocument(TRIVY);
    expect(read).toMatchObject({
      format: "CycloneDX 1.6",
      tools: ["trivy 0.70.0"],
      created: "2026-10-01T00:00:00+00:00",
    });
    expect(read.subject.digest).toBe(`sha256:${"c".repeat(64)}`);
    expect(packageComponentsOf(read)).toMatchObject([
      {
        type: "deb",
        namespace: "debian",
        name: "libssl3",
        version: "3.0.11-1~deb12u2",
        source: { name: "openssl", version: "3.0.11-1~deb12u2" },
        distribution: { id: "debian", version: "12.5" },
        layer: "sha256:aaaa",
        licences: ["Apache-2.0", "GPL-1+"],
      },
    ]);
    expect(readSbom(TRIVY)).toEqual({
      format: "CycloneDX 1.6",
      components: 2,
      describesModel: false,
      licences: ["Apache-2.0", "GPL-1.0-or-later"],
      unsafeFormats: [],
    });
  });

  it("reads syft's SPDX", () => {
    const read = readSbomDocument(SYFT);
    expect(read).toMatchObject({ format: "SPDX 2.3", tools: ["syft-1.30.0"], subject: { name: "alpine" } });
    expect(read.created).toBeUndefined();
    expect(packageComponentsOf(read)).toMatchObject([
      {
        type: "apk",
        name: "ssl_client",
        source: { name: "busybox", version: "1.36.1-r2" },
        distribution: { id: "alpine", version: "3.18.4" },
        supplier: "Sören Tempel",
        licences: ["odd licence"],
        locations: ["lib/apk/db/installed"],
      },
    ]);
    expect(read.components).toContainEqual({ type: "file", name: "bin/busybox", hashes: { sha1: "ab" } });
  });

  it("reads SPDX in tag-value form", () => {
    const read = readSbomDocument(Buffer.from(TAG_VALUE));
    expect(read).toMatchObject({ format: "SPDX 2.2", tools: ["by-hand"], created: "2026-01-01T00:00:00Z" });
    expect(read.components).toMatchObject([
      {
        name: "redis",
        version: "7.2.4",
        licences: ["Own licence"],
        layer: "sha256:beef",
        description: "Several\nlines: all of them one value",
      },
    ]);
  });

  it("keeps every package on the way through each of our formats", () => {
    for (const foreign of [TRIVY, SYFT]) {
      const packages = packageComponentsOf(readSbomDocument(foreign));
      for (const format of SBOM_FORMATS) {
        const again = packageComponentsOf(readSbomDocument(writeSbom(readSbomDocument(foreign), format)));
        expect(
          again.map(({ purl, version, source, distribution }) => ({ purl, version, source, distribution })),
        ).toEqual(packages.map(({ purl, version, source, distribution }) => ({ purl, version, source, distribution })));
      }
    }
  });

  it("takes nested components and those of the subject", () => {
    const inner = { type: "library", name: "inner", licenses: [{ license: { name: "Own" } }] };
    const read = readSbomDocument({
      bomFormat: "CycloneDX",
      specVersion: "1.4",
      metadata: { component: { type: "application", name: "app", components: [inner] } },
      components: [{ type: "library", name: "outer", components: [inner] }],
    });
    expect(read.components.map(({ name }) => name)).toEqual(["outer", "inner", "inner"]);
  });
});

const codeOf = (source: Uint8Array): string => {
  try {
    readSbomDocument(source);
    return "read";
  } catch (error) {
    if (isPratiqueError(error)) return error.code;
    throw error;
  }
};

describe("what is refused", () => {
  it("takes half a bill of materials for none", () => {
    for (const components of [
      [7],
      [{ name: "no type" }],
      "none",
      [{ type: "library", name: "a", components: [null] }],
    ]) {
      const bom = { bomFormat: "CycloneDX", specVersion: "1.6", components };
      expect(codeOf(Buffer.from(JSON.stringify(bom)))).toBe("sbom.malformed");
    }
    expect(codeOf(Buffer.from('{"spdxVersion":"SPDX-2.3","packages":[{"name":"x"}]}'))).toBe("sbom.malformed");
    expect(codeOf(Buffer.from('{"spdxVersion":"SPDX-2.3","packages":{}}'))).toBe("sbom.malformed");
    expect(codeOf(Buffer.from("SPDXVersion: SPDX-2.3\nPackageDescription: <text>never ends"))).toBe("sbom.malformed");
  });

  it("says which version it does not read", () => {
    expect(codeOf(Buffer.from('{"bomFormat":"CycloneDX","specVersion":"9.9"}'))).toBe("sbom.version-unknown");
    expect(codeOf(Buffer.from('{"spdxVersion":"SPDX-1.0"}'))).toBe("sbom.version-unknown");
  });

  it("is no bill of materials", () => {
    for (const text of ["", "no", "[]", "{}", "<bom/>"]) expect(codeOf(Buffer.from(text))).toBe("sbom.not-one");
    expect(codeOf(Buffer.from([0xff, 0xfe]))).toBe("sbom.malformed");
  });

  it("stops at depth, whatever nests", () => {
    const deep = (levels: number): object =>
      levels === 0 ? { type: "library", name: "x" } : { type: "library", name: "x", components: [deep(levels - 1)] };
    const bom = { bomFormat: "CycloneDX", specVersion: "1.6", components: [deep(40)] };
    expect(codeOf(Buffer.from(JSON.stringify(bom)))).toBe("sbom.malformed");
    const text = `{"bomFormat":"CycloneDX","x":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    expect(codeOf(Buffer.from(text))).toBe("sbom.malformed");
  });

  it("does not take long over texts that are made to", () => {
    const spaces = `${" ".repeat(60_000)}x`;
    const lines = "\n".repeat(4000);
    expect(codeOf(Buffer.from(`${lines}SPDXVersion: SPDX-2.3\nDocumentName: ${spaces}`))).toBe("read");
    const purl = `pkg:deb/debian/a@1?distro=${"a-".repeat(1900)}!`;
    const bom = { bomFormat: "CycloneDX", specVersion: "1.6", components: [{ type: "library", name: "a", purl }] };
    expect(codeOf(Buffer.from(JSON.stringify(bom)))).toBe("read");
  });

  it("never fails in another way, whatever the JSON", () => {
    const member = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, 7, "MIT", "pkg:npm/a@1", "CONTAINS", true),
        fc.array(tie("node"), { maxLength: 3 }),
        fc.dictionary(
          fc.constantFrom(
            "type",
            "name",
            "components",
            "licenses",
            "license",
            "purl",
            "hashes",
            "properties",
            "packages",
            "relationships",
            "@graph",
            "externalRefs",
            "modelCard",
            "pedigree",
            "evidence",
            "__proto__",
            "constructor",
          ),
          tie("node"),
        ),
      ),
    })).node;
    const kinds = fc.constantFrom(
      { bomFormat: "CycloneDX", specVersion: "1.6" },
      { spdxVersion: "SPDX-2.3" },
      { "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld" },
    );
    fc.assert(
      fc.property(
        kinds,
        fc.dictionary(
          fc.constantFrom(
            "components",
            "packages",
            "files",
            "relationships",
            "@graph",
            "metadata",
            "creationInfo",
            "dependencies",
          ),
          member,
        ),
        (kind, rest) => {
          const code = codeOf(Buffer.from(JSON.stringify({ ...rest, ...kind })));
          expect(["read", "sbom.malformed", "sbom.version-unknown"]).toContain(code);
        },
      ),
      { numRuns: 500 },
    );
  });
});
