// What registries will not take, said before a push.
import { expect, it } from "vitest";
import { registryWarnings } from "./registry-limits.ts";

const LARGE = { layers: [{ name: "m-F16.gguf", sizeBytes: 16_000_000_000 }], parameters: "8000000000" };

it("names the layer, the limit and smaller forms that fit", () => {
  const [warning, ...others] = registryWarnings("ghcr.io", LARGE);
  expect(others).toEqual([]);
  expect(warning).toMatch(
    /^m-F16\.gguf is 16\.0 GB and GitHub Container Registry takes layers of 10\.0 GB at most; .*Q8_0 \(about 8\.5 GB\).*Q6_K/s,
  );
});

it.each([
  ["123456789012.dkr.ecr.eu-west-1.amazonaws.com", 52_001 * 2 ** 20, 1],
  ["123456789012.dkr.ecr.eu-west-1.amazonaws.com", 52_000 * 2 ** 20, 0],
  ["public.ecr.aws", 10_001 * 2 ** 20, 1],
  ["team.azurecr.io", 201 * 2 ** 30, 1],
  ["team.azurecr.io.example.com", 201 * 2 ** 30, 0],
  ["registry.example.com", 2 ** 50, 0],
])("knows what %s takes: %i bytes give %i warnings", (host, sizeBytes, count) => {
  expect(registryWarnings(host, { layers: [{ name: "w", sizeBytes }] })).toHaveLength(count);
});

it("says to split what no quantization makes small enough", () => {
  const huge = { layers: [{ name: "w", sizeBytes: 10 ** 12 }], parameters: "1000000000000" };
  expect(registryWarnings("ghcr.io", huge)[0]).toContain("split the weights");
});
