// Whether a document is what its format's official schema says.
import type { JsonObject } from "@pratique/core";
import type { ValidateFunction } from "ajv";
import { isSpdx3 } from "./sbom-format.ts";

export interface SbomProblem {
  /** JSON pointer. */
  readonly at: string;
  readonly reason: string;
}

export interface SbomValidation {
  /** E.g. `CycloneDX 1.6`; undefined when there is no schema for it here. */
  readonly format: string | undefined;
  /** Empty: it is valid. */
  readonly problems: readonly SbomProblem[];
}

const LIMIT_PROBLEMS = 50;

/** What a compiled schema says against a document. */
type Check = (json: JsonObject) => SbomProblem[] | Promise<SbomProblem[]>;

/** Checks against the official schema. Schemas are loaded when one is asked for, and compiled once. */
export class SbomValidator {
  readonly #compiled = new Map<string, Promise<Check>>();

  async validate(json: JsonObject): Promise<SbomValidation> {
    const format = formatOf(json);
    if (format === undefined) return { format, problems: [{ at: "", reason: UNKNOWN }] };
    const known = this.#compiled.get(format) ?? compile(format);
    this.#compiled.set(format, known);
    return { format, problems: await (await known)(json) };
  }
}

const UNKNOWN = "no schema is known for it: it is neither CycloneDX 1.2 to 1.7 nor SPDX 2.2, 2.3 or 3.0.1";

function formatOf(json: JsonObject): string | undefined {
  if (json["bomFormat"] === "CycloneDX") {
    const version = json["specVersion"];
    return typeof version === "string" && /^1\.[2-7]$/.test(version) ? `CycloneDX ${version}` : undefined;
  }
  if (isSpdx3(json)) return "SPDX 3.0.1";
  const version = json["spdxVersion"];
  return version === "SPDX-2.2" || version === "SPDX-2.3" ? version.replace("-", " ") : undefined;
}

async function compile(format: string): Promise<Check> {
  const options = { strict: false, addUsedSchema: false } as const;
  switch (format) {
    case "SPDX 2.2": {
      const { Ajv } = await import("ajv");
      const { default: schema } = await import("../../schemas/spdx-2.2.schema.json", { with: { type: "json" } });
      return checkOf(new Ajv(options).compile(schema));
    }
    case "SPDX 2.3": {
      const { Ajv } = await import("ajv");
      const { default: schema } = await import("../../schemas/spdx-2.3.schema.json", { with: { type: "json" } });
      return checkOf(new Ajv(options).compile(schema));
    }
    case "SPDX 3.0.1": {
      const { Ajv2020 } = await import("ajv/dist/2020.js");
      const { default: schema } = await import("../../schemas/spdx-3.0.1.schema.json", { with: { type: "json" } });
      return checkOf(new Ajv2020({ ...options, validateFormats: false }).compile(schema));
    }
    default:
      return cycloneDxCheck(format);
  }
}

/** The library carries the schemas of CycloneDX, and those that they refer to. */
async function cycloneDxCheck(format: string): Promise<Check> {
  const { Version } = await import("@cyclonedx/cyclonedx-library/Spec");
  const { JsonValidator } = await import("@cyclonedx/cyclonedx-library/Validation");
  const version = Object.values(Version).find((one) => format === `CycloneDX ${one}`);
  if (version === undefined) return () => [{ at: "", reason: UNKNOWN }];
  const validator = new JsonValidator(version);
  return async (json) => problemsIn(await validator.validate(JSON.stringify(json)));
}

function checkOf(validate: ValidateFunction): Check {
  return (json) => (validate(json) ? [] : problemsIn(validate.errors));
}

function problemsIn(errors: unknown): SbomProblem[] {
  if (errors === null || errors === undefined) return [];
  const list: readonly unknown[] = Array.isArray(errors) ? errors : [errors];
  const problems = list.flatMap((error): SbomProblem[] => {
    if (typeof error !== "object" || error === null) return [];
    const at = "instancePath" in error && typeof error.instancePath === "string" ? error.instancePath : "";
    const reason = "message" in error && typeof error.message === "string" ? error.message : "is wrong";
    const named = "params" in error ? JSON.stringify(error.params) : undefined;
    return [{ at, reason: named === undefined || named === "{}" ? reason : `${reason} ${named.slice(0, 200)}` }];
  });
  return problems.length === 0 ? [{ at: "", reason: "is wrong" }] : problems.slice(0, LIMIT_PROBLEMS);
}
