// What policy needs of a CycloneDX bill of materials; whatever else it holds is passed over.
import type { JsonObject } from "@pratique/core";
import { z } from "zod";

export interface SbomFacts {
  /** E.g. `CycloneDX 1.6`. */
  readonly format: string;
  readonly components: number;
  /** True when it describes a model, with a model card. */
  readonly describesModel: boolean;
  /** SPDX ids, expressions and names, sorted. */
  readonly licences: readonly string[];
  /** Formats in it that run code when they are loaded, e.g. `pickle`. */
  readonly unsafeFormats: readonly string[];
}

/** The property of a component that names such a format. */
export const UNSAFE_FORMAT_PROPERTY = "pratique:unsafe-format";

const LICENCE_LIMIT = 1000;
const DEPTH_LIMIT = 16;

const LicenceChoice = z.looseObject({
  expression: z.string().optional(),
  license: z.looseObject({ id: z.string().optional(), name: z.string().optional() }).optional(),
});

interface BomComponent {
  type: string;
  licenses?: z.infer<typeof LicenceChoice>[] | undefined;
  modelCard?: unknown;
  components?: unknown[] | undefined;
  properties?: { name?: string | undefined; value?: string | undefined }[] | undefined;
}

const BomComponent: z.ZodType<BomComponent> = z.looseObject({
  type: z.string(),
  licenses: z.array(LicenceChoice).optional(),
  modelCard: z.unknown().optional(),
  components: z.array(z.unknown()).optional(),
  properties: z.array(z.looseObject({ name: z.string().optional(), value: z.string().optional() })).optional(),
});

const BomJson = z.looseObject({
  bomFormat: z.literal("CycloneDX"),
  specVersion: z.string().max(16),
  metadata: z.looseObject({ component: BomComponent.optional() }).optional(),
  components: z.array(z.unknown()).default([]),
});

/** Reads the predicate of a CycloneDX attestation; undefined when it is none. */
export function readSbom(predicate: JsonObject): SbomFacts | undefined {
  const bom = BomJson.safeParse(predicate).data;
  if (bom === undefined) return undefined;
  const listed = componentsIn(bom.components, DEPTH_LIMIT);
  if (listed === undefined) return undefined;
  const subject = bom.metadata?.component;
  const all = subject === undefined ? listed : [subject, ...listed];
  const licences = new Set<string>();
  for (const { licenses = [] } of all) {
    for (const { expression, license } of licenses) {
      const text = expression ?? license?.id ?? license?.name;
      if (text !== undefined && licences.size < LICENCE_LIMIT) licences.add(text);
    }
  }
  return {
    format: `CycloneDX ${bom.specVersion}`,
    components: listed.length,
    describesModel: all.some(({ type, modelCard }) => type === "machine-learning-model" && modelCard !== undefined),
    licences: [...licences].sort(),
    unsafeFormats: unsafeFormatsIn(all),
  };
}

function unsafeFormatsIn(components: readonly BomComponent[]): string[] {
  const properties = components.flatMap((one) => one.properties ?? []);
  const named = properties.filter(({ name }) => name === UNSAFE_FORMAT_PROPERTY).map(({ value = "" }) => value);
  return [...new Set(named)].sort().slice(0, LICENCE_LIMIT);
}

/** All components, nested ones too; undefined when one is malformed: half a bill of materials is none. */
function componentsIn(items: readonly unknown[], depth: number): BomComponent[] | undefined {
  if (items.length > 0 && depth === 0) return undefined;
  const found: BomComponent[] = [];
  for (const item of items) {
    const component = BomComponent.safeParse(item).data;
    if (component === undefined) return undefined;
    const nested = componentsIn(component.components ?? [], depth - 1);
    if (nested === undefined) return undefined;
    found.push(component, ...nested);
  }
  return found;
}
