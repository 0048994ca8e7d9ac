// Bills of materials against the official CycloneDX 1.6 schema, and what is read back from them.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { digestOf, manualClock, type JsonObject } from "@pratique/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { readSbom } from "./read-sbom.ts";
import { sbomOf, type SbomComponent } from "./sbom.ts";

const schema = officialSchema();
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
  it("is valid CycloneDX 1.6", () => {
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
    expect(problems(bom)).toBe("");
    expect(bom).toMatchObject({
      bomFormat: "CycloneDX",
      specVersion: "1.6",
      metadata: { timestamp: "2026-11-01T10:00:00.000Z", component: { name: "voyage/harbour", version: digest } },
    });
  });

  it("describes a model with its card (ML-BOM)", () => {
    const bom = sbomOf({ subject: { ...subject, kind: "model" }, clock, components: [MODEL] });
    expect(problems(bom)).toBe("");
    expect(bom["components"]).toMatchObject([{ type: "machine-learning-model", modelCard: MODEL.modelCard }]);
    expect(readSbom(bom)).toEqual({
      format: "CycloneDX 1.6",
      components: 1,
      describesModel: true,
      licences: ["Apache-2.0"],
    });
  });

  it("says equal things of equal content, and takes a serial number", () => {
    const make = (components: SbomComponent[]): JsonObject => sbomOf({ subject, clock, components });
    expect(make([MODEL])).toEqual(make([structuredClone(MODEL)]));
    expect(make([MODEL])["serialNumber"]).not.toBe(make([])["serialNumber"]);
    const serial = "0197a6b2-0000-7000-8000-000000000000";
    expect(sbomOf({ subject, clock, serial, components: [] })["serialNumber"]).toBe(`urn:uuid:${serial}`);
  });

  it("is valid and reads back whatever the components are called", () => {
    const text = fc.string({ minLength: 1, unit: "grapheme" });
    const component = fc.record({
      type: fc.constantFrom("application", "library", "operating-system", "file", "data"),
      name: text,
      version: text,
      licences: fc.array(fc.oneof(text, fc.constantFrom("MIT", "mit", "MIT AND ISC", "MIT WITH", "(MIT", "GPL-2.0+"))),
      properties: fc.dictionary(text, text),
    });
    fc.assert(
      fc.property(fc.array(component, { maxLength: 5 }), (components) => {
        const bom = sbomOf({ subject, clock, components: components as SbomComponent[] });
        expect(problems(bom)).toBe("");
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
    expect(readSbom(bom)).toEqual({ format: "CycloneDX 1.5", components: 2, describesModel: false, licences: ["Own"] });
  });

  it("takes half a bill of materials for none", () => {
    for (const components of [[7], [{ name: "no type" }], "none", [{ type: "library", components: [null] }]]) {
      expect(readSbom({ bomFormat: "CycloneDX", specVersion: "1.6", components })).toBeUndefined();
    }
    expect(readSbom({ spdxVersion: "SPDX-2.3" })).toBeUndefined();
  });
});

function problems(bom: JsonObject): string {
  const result = schema.safeParse(bom);
  return result.success ? "" : z.prettifyError(result.error).slice(0, 2000);
}

/** The schema that the CycloneDX library carries, with its two neighbours put in: zod takes local references only. */
function officialSchema(): z.ZodType {
  const directory = join(
    dirname(createRequire(import.meta.url).resolve("@cyclonedx/cyclonedx-library/package.json")),
    "res/schema",
  );
  const read = (name: string): string => readFileSync(join(directory, `${name}.SNAPSHOT.schema.json`), "utf8");
  const spdx = JSON.parse(read("spdx"));
  const bom = JSON.parse(read("bom-1.6"), (_key, value) => {
    if (typeof value?.$ref === "string" && value.$ref.startsWith("spdx.")) return { $ref: "#/definitions/spdxId" };
    // We write no JSF signatures.
    if (typeof value?.$ref === "string" && value.$ref.startsWith("jsf-")) return { $ref: "#/definitions/jsf" };
    // zod reads `required` only beside the properties it names: in a choice between required members, name them.
    if (Array.isArray(value?.required) && value.type === undefined) {
      return {
        type: "object",
        properties: Object.fromEntries(value.required.map((name: string) => [name, {}])),
        ...value,
      };
    }
    return value;
  });
  bom.definitions.spdxId = { type: "string", enum: spdx.enum };
  bom.definitions.jsf = { type: "object" };
  return z.fromJSONSchema(bom);
}
