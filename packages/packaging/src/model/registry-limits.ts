// What registries take at most, and which smaller form of a model would fit.

interface RegistryLimit {
  readonly host: RegExp;
  readonly name: string;
  /** Of one layer, and of all together. */
  readonly layerBytes: number;
  readonly totalBytes?: number;
}

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

/** As the providers document it; a registry that is not here has no limit that is known. */
const LIMITS: readonly RegistryLimit[] = [
  // 4,200 parts of an upload.
  { host: /^\d+\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$/, name: "Amazon ECR", layerBytes: 52_000 * MIB },
  { host: /^public\.ecr\.aws$/, name: "Amazon ECR Public", layerBytes: 10_000 * MIB },
  {
    host: /\.azurecr\.(?:io|cn|us)$/,
    name: "Azure Container Registry",
    layerBytes: 200 * GIB,
    totalBytes: 40 * 1024 * GIB,
  },
  { host: /^ghcr\.io$/, name: "GitHub Container Registry", layerBytes: 10_000_000_000 },
];

/** Bits a weight takes on the whole (llama.cpp, tools/quantize/README.md), largest first. */
const QUANTIZATIONS: readonly (readonly [name: string, bits: number])[] = [
  ["Q8_0", 8.5],
  ["Q6_K", 6.57],
  ["Q5_K_M", 5.7],
  ["Q4_K_M", 4.89],
  ["Q3_K_M", 4.0],
  ["Q2_K", 3.2],
];

export interface LimitedModel {
  readonly layers: readonly { readonly name: string; readonly sizeBytes: number }[];
  /** In decimal. */
  readonly parameters?: string | undefined;
}

/** What the registry at `host` will not take, said before anything is sent; empty when nothing is known against it. */
export function registryWarnings(host: string, model: LimitedModel): string[] {
  const limit = LIMITS.find((one) => one.host.test(host));
  if (limit === undefined) return [];
  const warnings = model.layers
    .filter(({ sizeBytes }) => sizeBytes > limit.layerBytes)
    .map(({ name, sizeBytes }) => {
      const fits = alternatives(model.parameters, limit.layerBytes);
      const instead =
        fits.length === 0
          ? "split the weights into parts before packing"
          : `smaller forms that fit: ${fits.join(", ")}`;
      return `${name} is ${gigabytes(sizeBytes)} and ${limit.name} takes layers of ${gigabytes(limit.layerBytes)} at most; ${instead}`;
    });
  const total = model.layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (limit.totalBytes !== undefined && total > limit.totalBytes) {
    warnings.push(`it is ${gigabytes(total)} and ${limit.name} takes ${gigabytes(limit.totalBytes)} at most`);
  }
  return warnings;
}

function alternatives(parameters: string | undefined, limitBytes: number): string[] {
  const count = Number(parameters ?? 0);
  return QUANTIZATIONS.map(([name, bits]) => [name, (count * bits) / 8] as const)
    .filter(([, bytes]) => bytes > 0 && bytes <= limitBytes)
    .slice(0, 3)
    .map(([name, bytes]) => `${name} (about ${gigabytes(bytes)})`);
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
