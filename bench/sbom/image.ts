// An image of about 1.3 GiB for measuring catalogues: Debian with Java, Node and Python, an npm tree, Python wheels.
// Kept between runs in the user's cache directory; delete `pratique/bench/sbom` there to build it anew.
import { spawnSync } from "node:child_process";
import { createReadStream, existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { systemClock, silentLog, type Digest } from "@pratique/core";
import { openContentStore } from "@pratique/oci";

export const REPOSITORY = "bench/sbom";
const EPOCH = "1700000000";
const DEBIAN = [
  "nodejs,npm,python3-pip,python3-numpy,python3-requests,git,openssh-client,maven,skopeo,caddy,ruby",
  "libpq5,imagemagick,gnupg,ca-certificates,curl",
].join(",");
const NPM = {
  express: "4.19.2",
  next: "14.2.5",
  typescript: "5.5.4",
  webpack: "5.93.0",
  eslint: "8.57.0",
  esbuild: "0.23.0",
  jest: "29.7.0",
  "@aws-sdk/client-s3": "3.600.0",
  "@babel/core": "7.24.9",
  "react-dom": "18.3.1",
};
const WHEELS = ["requests==2.32.3", "cryptography==43.0.0", "pydantic==2.8.2", "flask==3.0.3", "django==5.0.7"];

export interface BenchImage {
  readonly store: string;
  readonly digest: string;
  /** Compressed layers, from the lowest up. */
  readonly layers: readonly string[];
  readonly packedBytes: number;
  readonly unpackedBytes: number;
}

/** The image, or as text why it cannot be built here. */
export async function benchImage(): Promise<BenchImage | string> {
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "pratique", "bench", "sbom");
  mkdirSync(cache, { recursive: true });
  const parts = [
    layer(cache, "debian", (tar) =>
      run("mmdebstrap", ["--variant=minbase", `--include=${DEBIAN}`, "bookworm", tar, "http://deb.debian.org/debian"]),
    ),
    layer(cache, "npm", (tar) => {
      const app = join(cache, "npm-root", "app");
      mkdirSync(app, { recursive: true });
      writeFileSync(join(app, "package.json"), JSON.stringify({ name: "app", version: "1.0.0", dependencies: NPM }));
      const npm = ["install", "--prefix", app, "--ignore-scripts", "--no-audit", "--no-fund", "--no-bin-links"];
      return run("npm", npm) ?? pack(tar, join(cache, "npm-root"), "app");
    }),
    layer(cache, "python", (tar) => {
      const root = join(cache, "python-root");
      const target = join(root, "usr/local/lib/python3.11/site-packages");
      const pip = ["-m", "pip", "install", "--no-compile", "--only-binary", ":all:", "--target", target, ...WHEELS];
      return run("python3", pip) ?? pack(tar, root, "usr");
    }),
  ];
  const failed = parts.find((part) => part.problem !== undefined);
  if (failed?.problem !== undefined) return failed.problem;
  const layers = parts.map(({ file }) => file);
  return { ...(await stored(join(cache, "store"), layers)), layers, ...sizes(layers) };
}

interface Part {
  readonly file: string;
  readonly problem?: string | undefined;
}

function layer(cache: string, name: string, build: (tar: string) => string | undefined): Part {
  const file = join(cache, `${name}.tar.gz`);
  if (existsSync(file)) return { file };
  process.stderr.write(`building the layer ${name}\n`);
  const tar = join(cache, `${name}.tar`);
  rmSync(tar, { force: true });
  const problem = build(tar) ?? run("gzip", ["-n", "-6", "-k", tar]);
  rmSync(tar, { force: true });
  if (problem === undefined) renameSync(`${tar}.gz`, file);
  return { file, problem };
}

function pack(tar: string, root: string, directory: string): string | undefined {
  const same = ["--sort=name", `--mtime=@${EPOCH}`, "--owner=0", "--group=0", "--numeric-owner"];
  return run("tar", [...same, "-C", root, "-cf", tar, directory]);
}

function run(command: string, args: readonly string[]): string | undefined {
  const env = { ...process.env, SOURCE_DATE_EPOCH: EPOCH };
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", "ignore", "inherit"], env });
  if (error !== undefined) return `${command} is not here (apt-get install mmdebstrap npm python3-pip)`;
  return status === 0 ? undefined : `${command} failed`;
}

function sizes(layers: readonly string[]): { packedBytes: number; unpackedBytes: number } {
  const unpacked = layers.map((file) => {
    const { stdout } = spawnSync("sh", ["-c", 'gzip -dc "$1" | wc -c', "sh", file], { encoding: "utf8" });
    return Number(stdout);
  });
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  return { packedBytes: sum(layers.map((file) => statSync(file).size)), unpackedBytes: sum(unpacked) };
}

async function stored(directory: string, layers: readonly string[]): Promise<{ store: string; digest: string }> {
  const store = await openContentStore(directory, { clock: systemClock, log: silentLog });
  try {
    const repository = store.repository(REPOSITORY);
    const present = await repository.resolve("latest");
    if (present !== undefined) return { store: directory, digest: present.digest };
    const listed: { mediaType: string; digest: Digest; size: number }[] = [];
    for (const file of layers) {
      const blob = await repository.putBlob(createReadStream(file));
      listed.push({ mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", ...blob });
    }
    const config = await repository.putBlob(Buffer.from('{"architecture":"amd64","os":"linux"}'));
    const mediaType = "application/vnd.oci.image.manifest.v1+json";
    const configType = "application/vnd.oci.image.config.v1+json";
    const manifest = { schemaVersion: 2, mediaType, config: { mediaType: configType, ...config }, layers: listed };
    const { digest } = await repository.putManifest(Buffer.from(JSON.stringify(manifest)), mediaType, "latest");
    return { store: directory, digest };
  } finally {
    await store.close();
  }
}
