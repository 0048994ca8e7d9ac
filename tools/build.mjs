// `npm run build`: bundles the command, the daemon and the engine host into dist/, one chunk for what they share.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { join, relative } from "node:path";
import { root } from "./machine.mjs";

const dist = join(root, "dist");
const stamp = join(dist, ".sources");

const sources = ["apps", "packages"].flatMap((folder) => list(join(root, folder))).sort();
const hash = createHash("sha256").update(readFileSync(join(root, "tools", "build.mjs")));
for (const file of sources) hash.update(relative(root, file)).update(readFileSync(file));
const digest = hash.digest("hex");
if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) process.exit(0);

const { rolldown } = await import("rolldown");
const bundle = await rolldown({
  cwd: root,
  platform: "node",
  input: {
    pratique: "apps/cli/src/main.ts",
    "engine-host": "packages/inference/src/engine-host.ts",
    "bundle-host": "packages/packaging/src/bundle-host.ts",
    "layer-host": "packages/sbom/src/catalogue/layer-host.ts",
    "import-host": "packages/vulnerabilities/src/import-host.ts",
    "wasm-host": "packages/gateway/src/shield/interceptors/wasm-host.ts",
    "program-host": "packages/gateway/src/code-mode/program-host.ts",
  },
  // Our own packages and the two small ones the command itself needs are bundled; the rest stays where npm put it.
  external: (id) => !id.startsWith(".") && !id.startsWith("/") && !id.startsWith("@pratique/") && id !== "canonicalize",
  treeshake: { moduleSideEffects: false },
  logLevel: "warn",
});
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
await bundle.write({
  dir: dist,
  format: "esm",
  entryFileNames: "[name].js",
  chunkFileNames: "chunks/[name]-[hash].js",
  // What every command needs comes in one file: each further one takes a millisecond of its start.
  codeSplitting: {
    groups: [
      {
        name: "command-kit",
        test: /\/(?:apps\/cli\/src\/(?:kit\/(?:terminal|help|suggest|run-command|command|words|refusal|credentials|model-form|progress-bars|follow-transfer)\.ts|errors\.ts)|packages\/client\/src\/|packages\/core\/src\/(?!digest|ids|canonical))/,
      },
    ],
  },
  sourcemap: true,
});
await bundle.close();
writeFileSync(stamp, digest);

function list(directory) {
  return readdirSync(directory).flatMap((name) => {
    if (name === "node_modules") return [];
    const path = join(directory, name);
    if (statSync(path).isDirectory()) return list(path);
    return name.endsWith(".ts") && !/\.(test|fixture)\.ts$/.test(name) ? [path] : [];
  });
}
