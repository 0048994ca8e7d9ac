// The walls of the house: who may import whom, and who may touch what.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const FLOORS: readonly (readonly string[])[] = [
  ["core"],
  ["contracts", "store", "secret-scan"],
  ["client", "oci", "audit", "policy", "identity"],
  ["guard", "delta", "sbom", "vulnerabilities", "catalog"],
  ["evidence", "sigstore", "secrets"],
  ["packaging", "sandbox", "registry"],
  ["inference", "gateway"],
  ["agents"],
];

/** Modules that only some rooms may open, and why. */
const KEYS: readonly { readonly module: RegExp; readonly rooms: readonly string[]; readonly why: string }[] = [
  { module: /^(node:sqlite|kysely|pg)$/, rooms: ["packages/store"], why: "only store touches the database" },
  {
    module: /^node:child_process$/,
    rooms: ["packages/sandbox", "packages/inference"],
    why: "only sandbox and inference start processes",
  },
  {
    module: /^@sigstore\//,
    rooms: ["packages/evidence", "packages/sigstore"],
    why: "they own the formats of Sigstore",
  },
  { module: /^@cedar-policy\//, rooms: ["packages/policy"], why: "policy owns Cedar" },
  { module: /^dockerode$/, rooms: ["packages/sandbox"], why: "sandbox owns container engines" },
];

const IMPORT = /(?:^|[\s;}])(?:from|import)\s*\(?\s*["']([^"']+)["']/g;

function files(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    if (name === "node_modules") return [];
    return statSync(path).isDirectory() ? files(path) : path.endsWith(".ts") ? [path] : [];
  });
}

function importsOf(file: string): string[] {
  return [...readFileSync(file, "utf8").matchAll(IMPORT)].map((match) => match[1]!);
}

function floorOf(name: string): number {
  return FLOORS.findIndex((floor) => floor.includes(name));
}

const packages = readdirSync("packages").filter((name) => {
  try {
    return statSync(join("packages", name, "package.json")).isFile();
  } catch {
    return false;
  }
});

const isTest = (file: string) => /\.(test|fixture)\.ts$/.test(file);

describe.each(packages)("packages/%s", (name) => {
  const own = files(join("packages", name, "src"));
  const houseImports = (list: readonly string[]) =>
    new Set(
      list
        .flatMap(importsOf)
        .filter((id) => id.startsWith("@pratique/"))
        .map((id) => id.slice("@pratique/".length)),
    );

  it("stands on a floor", () => expect(floorOf(name)).toBeGreaterThanOrEqual(0));

  it("imports only from floors below", () => {
    const upward = [...houseImports(own.filter((file) => !isTest(file)))].filter(
      (below) => floorOf(below.split("/")[0]!) >= floorOf(name),
    );
    expect(upward, `${name} (floor ${floorOf(name)}) may not import these`).toEqual([]);
  });

  it("enters other packages through their door only", () => {
    const around = own.flatMap((file) =>
      importsOf(file)
        .filter(
          (id) =>
            /^@pratique\/[^/]+\//.test(id) ||
            (id.startsWith("../") && relative(join("packages", name), join(file, "..", id)).startsWith("..")),
        )
        .filter(() => !isTest(file)),
    );
    expect(around).toEqual([]);
  });

  it("declares what it imports", () => {
    const manifest = JSON.parse(readFileSync(join("packages", name, "package.json"), "utf8")) as {
      dependencies?: Record<string, string>;
    };
    const declared = Object.keys(manifest.dependencies ?? {});
    const used = new Set(
      own
        .filter((file) => !isTest(file))
        .flatMap(importsOf)
        .filter((id) => !id.startsWith(".") && !id.startsWith("node:"))
        .map((id) =>
          id
            .split("/")
            .slice(0, id.startsWith("@") ? 2 : 1)
            .join("/"),
        ),
    );
    expect([...used].filter((id) => !declared.includes(id))).toEqual([]);
    expect(declared.filter((id) => id.startsWith("@pratique/") && !used.has(id))).toEqual([]);
  });

  it("has a README of at most 15 lines", () => {
    expect(
      readFileSync(join("packages", name, "README.md"), "utf8")
        .trimEnd()
        .split("\n").length,
    ).toBeLessThanOrEqual(15);
  });
});

describe("the whole house", () => {
  const sources = ["packages", "apps"].flatMap(files).filter((file) => !isTest(file));

  it.each(KEYS.map((key) => [key.why, key] as const))("%s", (_why, key) => {
    const offenders = sources.filter(
      (file) =>
        importsOf(file).some((id) => key.module.test(id)) && !key.rooms.some((room) => file.startsWith(`${room}/`)),
    );
    expect(offenders).toEqual([]);
  });

  it("reads the environment and arguments, and prints, only in apps", () => {
    const offenders = sources.filter(
      (file) =>
        file.startsWith("packages/") &&
        /\bprocess\.(argv|env|stdout|stderr|exit)\b|\bconsole\.\w+\(/.test(readFileSync(file, "utf8")) &&
        !file.endsWith("-host.ts"),
    );
    expect(offenders).toEqual([]);
  });

  it("keeps files under 400 lines", () => {
    const long = sources.filter(
      (file) => !file.endsWith(".schema.ts") && readFileSync(file, "utf8").split("\n").length > 400,
    );
    expect(long).toEqual([]);
  });

  it("keeps every act behind guard: only the daemon makes stores, engines and drivers", () => {
    const makers =
      /\b(openContentStore|openContainerDriver|openSigningKey|createInference|createGateway|createRegistry)\(/;
    const offenders = sources.filter(
      (file) =>
        !file.startsWith("apps/daemon/") &&
        makers.test(readFileSync(file, "utf8").replaceAll(/export (async )?function \w+\(/g, "")),
    );
    expect(offenders).toEqual([]);
  });
});
