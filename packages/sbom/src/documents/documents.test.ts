// Every format against its official schema, and what is read back.
import { Version } from "@cyclonedx/cyclonedx-library/Spec";
import { JsonStrictValidator } from "@cyclonedx/cyclonedx-library/Validation";
import { digestOf, type JsonObject } from "@pratique/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SbomComponent, SbomDocument } from "./sbom-document.ts";
import { readSbomDocument, SBOM_FORMATS, writeSbom, type SbomFormat } from "./sbom-format.ts";
import { SbomValidator } from "./validate-sbom.ts";

const digest = digestOf("subject");
const validator = new SbomValidator();

const MODEL: SbomComponent = {
  type: "machine-learning-model",
  name: "voyage-q8",
  version: "1.0",
  purl: "pkg:huggingface/pratique/voyage@1.0",
  licences: ["Apache-2.0"],
  hashes: { sha256: "a".repeat(64) },
  properties: { "pratique:unsafe-format": "pickle" },
  model: {
    task: "text-generation",
    family: "transformer",
    architecture: "llama",
    format: "gguf",
    parameters: "135000000",
    quantization: "Q8_0",
    contextLength: 2048,
    baseModels: [
      { name: "HuggingFaceTB/SmolLM2-135M", purl: "pkg:huggingface/HuggingFaceTB/SmolLM2-135M", relation: "quantized" },
    ],
    datasets: [{ name: "smollm-corpus", url: "https://huggingface.co/datasets/x", licences: ["ODC-By-1.0"] }],
    languages: ["en"],
    inputs: ["text"],
    outputs: ["text"],
    limitations: ["answers only what it was trained on"],
  },
};

const DEBIAN: SbomComponent = {
  type: "library",
  namespace: "debian",
  name: "libssl3",
  version: "3.0.11-1~deb12u2",
  purl: "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12",
  source: { name: "openssl", version: "3.0.11-1~deb12u2" },
  distribution: { id: "debian", version: "12" },
  supplier: "Debian OpenSSL Team",
  licences: ["Apache-2.0", "Artistic or GPL-1+"],
  locations: ["var/lib/dpkg/status.d/libssl3"],
  layer: digestOf("layer"),
  fixedVulnerabilities: ["CVE-2023-5363", "CVE-2023-6129"],
};

const ZOD: SbomComponent = {
  type: "library",
  namespace: "@scope",
  name: "zod",
  version: "4.6.7",
  purl: "pkg:npm/%40scope/zod@4.6.7",
  licences: ["MIT"],
  scope: "development",
  hashes: { sha512: "b".repeat(128) },
  dependsOn: [DEBIAN.purl!],
};

const DOCUMENT: SbomDocument = {
  subject: {
    name: "voyage/harbour",
    digest,
    kind: "mcp-server",
    licences: ["Apache-2.0"],
    properties: { "pratique:mcp:tool": ["read_note", "write_note"] },
  },
  created: "2026-11-01T10:00:00.000Z",
  components: [
    MODEL,
    DEBIAN,
    ZOD,
    { type: "library", name: "odd", licences: ["See LICENSE.txt", "MIT"] },
    { type: "library", name: "own", licences: ["My licence"] },
    { type: "operating-system", name: "debian", version: "12" },
    { type: "file", name: "a/b.txt", hashes: { sha256: "0".repeat(64) } },
    { type: "data", name: "words" },
  ],
  unread: [{ path: "usr/bin/strange", reason: "it is no ELF file" }],
};

describe.each(SBOM_FORMATS)("%s", (format) => {
  it("is what the official schema says", async () => {
    expect((await validator.validate(writeSbom(DOCUMENT, format))).problems).toEqual([]);
    expect(await strictProblems(format, writeSbom(DOCUMENT, format))).toBeNull();
  });

  it("gives the same bytes whatever the order of components", () => {
    const turned = { ...DOCUMENT, components: structuredClone(DOCUMENT.components).toReversed() };
    expect(JSON.stringify(writeSbom(turned, format))).toBe(JSON.stringify(writeSbom(DOCUMENT, format)));
    const other = { ...DOCUMENT, components: DOCUMENT.components.slice(1) };
    expect(JSON.stringify(writeSbom(other, format))).not.toBe(JSON.stringify(writeSbom(DOCUMENT, format)));
  });

  it("gives the same bytes of what was read back", () => {
    const plain = { ...DOCUMENT, components: DOCUMENT.components.filter(({ licences = [] }) => licences.length < 2) };
    const once = JSON.stringify(writeSbom(plain, format));
    const again = JSON.stringify(writeSbom(readSbomDocument(Buffer.from(once)), format));
    expect(digestOf(again)).toBe(digestOf(once));
  });

  it("reads back what was written", () => {
    const read = readSbomDocument(Buffer.from(JSON.stringify(writeSbom(DOCUMENT, format))));
    expect(read.subject).toMatchObject({
      name: "voyage/harbour",
      digest,
      kind: "mcp-server",
      licences: ["Apache-2.0"],
    });
    expect(read.subject.properties).toMatchObject(DOCUMENT.subject.properties!);
    expect(read.unread).toEqual(DOCUMENT.unread);
    expect(read.tools).toContain("pratique");
    const named = (name: string): SbomComponent | undefined => read.components.find((one) => one.name === name);
    expect(read.components).toHaveLength(DOCUMENT.components.length);
    const { licences: _licences, ...debian } = DEBIAN;
    expect({ ...named("libssl3"), distribution: DEBIAN.distribution }).toMatchObject(debian);
    expect(named("libssl3")?.licences).toEqual(["(Artistic-1.0-Perl OR GPL-1.0-or-later) AND Apache-2.0"]);
    expect(named("zod")).toMatchObject(ZOD);
    expect(named("own")?.licences).toEqual(["My licence"]);
    expect(named("voyage-q8")).toMatchObject(MODEL);
    expect(named("a/b.txt")).toMatchObject({ type: "file", hashes: { sha256: "0".repeat(64) } });
  });

  it("is valid, and reads back, whatever things are called", async () => {
    const text = fc.string({ minLength: 1, maxLength: 30, unit: "grapheme" });
    const component = fc.record({
      type: fc.constantFrom("application", "library", "operating-system", "file", "data", "machine-learning-model"),
      name: text,
      version: text,
      supplier: text,
      licences: fc.array(fc.oneof(text, fc.constantFrom("MIT", "mit", "MIT AND ISC", "MIT WITH", "(MIT", "GPL-2.0+"))),
      properties: fc.dictionary(text, text),
      locations: fc.array(text),
      model: fc.record({ task: text, quantization: text, datasets: fc.array(fc.record({ name: text, url: text })) }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(component, { maxLength: 4 }), text, async (components, name) => {
        const json = writeSbom({ subject: { name, digest }, components: components as SbomComponent[] }, format);
        expect((await validator.validate(json)).problems).toEqual([]);
        expect(readSbomDocument(json).components).toHaveLength(components.length);
      }),
      { numRuns: 20 },
    );
  });
});

/** The library's stricter reading of CycloneDX; null: nothing to say against it. */
async function strictProblems(format: SbomFormat, json: JsonObject): Promise<unknown> {
  if (!format.startsWith("cyclonedx")) return null;
  const version = format === "cyclonedx-1.6" ? Version.v1dot6 : Version.v1dot7;
  return new JsonStrictValidator(version).validate(JSON.stringify(json));
}
