// Bills of materials against the official CycloneDX 1.6 schema, and what is read back from them.
import { Version } from "@cyclonedx/cyclonedx-library/Spec";
import { JsonStrictValidator } from "@cyclonedx/cyclonedx-library/Validation";
import { digestOf, manualClock, type JsonObject } from "@pratique/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readSbom } from "./read-sbom.ts";
import { sbomOf, type SbomComponent } from "./sbom.ts";

const clock = manualClock("2026-11-01T10:00:00Z");
const digest = digestOf("subject");
const subject = { name: "voyage/harbour", digest, kind: "mcp-server" } as const;
const MODEL: SbomComponent = {
  type: "machine-learning-model",
  name: "voyage-q8",
  version: "1.0",
  purl: "pkg:huggingface/pratique/voyage@1.0",
  licences: ["Apache-2.0"],
  hashes: { sha256: "a".repeat(64) },
  modelCard: {
    modelParameters: { task: "text-generation", architectureFamily: "llama", datasets: [] },
    considerations: { technicalLimitations: ["answers only what it was trained on"] },
  },
};

describe("sbomOf", () => {
  it("is valid CycloneDX 1.6", async () => {
    const bom = sbomOf({
      subject,
      clock,
      components: [
        { type: "library", name: "zod", version: "4.6.7", purl: "pkg:npm/zod@4.6.7", licences: ["MIT"] },
        { type: "library", name: "dual", licences: ["MIT OR Apache-2.0"] },
        { type: "library", name: "odd", licences: ["See LICENSE.txt", "MIT"] },
        { type: "operating-system", name: "debian", version: "13" },
        { type: "application", name: "server", properties: { "dev.pratique:entry": "main.js" } },
        { type: "file", name: "a/b.txt", hashes: { sha256: "0".repeat(64) } },
        { type: "data", name: "words" },
      ],
    });
    expect(await problems(bom)).toBeNull();
    expect(bom).toMatchObject({
      bomFormat: "CycloneDX",
      specVersion: "1.6",
      metadata: { timestamp: "2026-11-01T10:00:00.000Z", component: { name: "voyage/harbour", version: digest } },
    });
  });

  it("describes a model with its card (ML-BOM)", async () => {
    const bom = sbomOf({ subject: { ...subject, kind: "model" }, clock, components: [MODEL] });
    expect(await problems(bom)).toBeNull();
    expect(bom["components"]).toMatchObject([{ type: "machine-learning-model", modelCard: MODEL.modelCard }]);
    expect(readSbom(bom)).toEqual({
      format: "CycloneDX 1.6",
      components: 1,
      describesModel: true,
      licences: ["Apache-2.0"],
      unsafeFormats: [],
    });
  });

  it("says equal things of equal content, and takes a serial number", () => {
    const make = (components: SbomComponent[]): JsonObject => sbomOf({ subject, clock, components });
    expect(make([MODEL])).toEqual(make([structuredClone(MODEL)]));
    expect(make([MODEL])["serialNumber"]).not.toBe(make([])["serialNumber"]);
    const serial = "0197a6b2-0000-7000-8000-000000000000";
    expect(sbomOf({ subject, clock, serial, components: [] })["serialNumber"]).toBe(`urn:uuid:${serial}`);
  });

  it("is valid and reads back whatever the components are called", async () => {
    const text = fc.string({ minLength: 1, unit: "grapheme" });
    const component = fc.record({
      type: fc.constantFrom("application", "library", "operating-system", "file", "data"),
      name: text,
      version: text,
      licences: fc.array(fc.oneof(text, fc.constantFrom("MIT", "mit", "MIT AND ISC", "MIT WITH", "(MIT", "GPL-2.0+"))),
      properties: fc.dictionary(text, text),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(component, { maxLength: 5 }), async (components) => {
        const bom = sbomOf({ subject, clock, components: components as SbomComponent[] });
        expect(await problems(bom)).toBeNull();
        expect(readSbom(bom)?.components).toBe(components.length);
      }),
      { numRuns: 30 },
    );
  });
});

describe("readSbom", () => {
  it("reads what other tools write, nested components too", () => {
    const nested = { type: "library", name: "inner", licenses: [{ license: { name: "Own" } }] };
    const bom = {
      bomFormat: "CycloneDX",
      specVersion: "1.5",
      components: [{ type: "library", name: "o", components: [nested] }],
    };
    expect(readSbom(bom)).toEqual({
      format: "CycloneDX 1.5",
      components: 2,
      describesModel: false,
      licences: ["Own"],
      unsafeFormats: [],
    });
  });

  it("takes half a bill of materials for none", () => {
    for (const components of [[7], [{ name: "no type" }], "none", [{ type: "library", components: [null] }]]) {
      expect(readSbom({ bomFormat: "CycloneDX", specVersion: "1.6", components })).toBeUndefined();
    }
    expect(readSbom({ spdxVersion: "SPDX-2.3" })).toBeUndefined();
  });
});

/** What the validator of the CycloneDX library says against it, by the official schema it carries. */
async function problems(bom: JsonObject): Promise<unknown> {
  return new JsonStrictValidator(Version.v1dot6).validate(JSON.stringify(bom));
}
