// Credentials that `docker login`, `podman login` or `oras login` left on this machine (containers-auth.json(5)).
import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { Credentials } from "./credentials.ts";

const LIMIT_BYTES = 1024 * 1024;
/** Docker's name for its own registry in these files. */
const HUB_KEYS = ["https://index.docker.io/v1/", "index.docker.io", "docker.io"];

const AuthFile = z.looseObject({
  auths: z
    .record(z.string(), z.looseObject({ auth: z.string().optional(), identitytoken: z.string().optional() }))
    .optional(),
});

/** Those of the first file that has some for the registry. Files that are missing or that are none of these have none. */
export async function credentialsFromFiles(
  paths: readonly string[],
  registry: string,
): Promise<Credentials | undefined> {
  for (const path of paths) {
    const found = credentialsIn(await readFile(path).catch(() => Buffer.alloc(0)), registry);
    if (found !== undefined) return found;
  }
  return undefined;
}

function credentialsIn(bytes: Buffer, registry: string): Credentials | undefined {
  if (bytes.byteLength > LIMIT_BYTES) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
  const auths = new Map(Object.entries(AuthFile.safeParse(json).data?.auths ?? {}));
  const keys = registry === "docker.io" ? HUB_KEYS : [registry, `https://${registry}`, `https://${registry}/`];
  for (const key of keys) {
    const entry = auths.get(key);
    if (entry?.identitytoken !== undefined) return { identityToken: entry.identitytoken };
    const text = Buffer.from(entry?.auth ?? "", "base64").toString("utf8");
    const colon = text.indexOf(":");
    if (colon > 0) return { username: text.slice(0, colon), password: text.slice(colon + 1) };
  }
  return undefined;
}
