// The owner's own copy of a pack that comes along: what is edited there is what decides.
import { randomBytes } from "node:crypto";
import { access, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { ensureDirectory, syncDirectory, writeFilesDurably } from "@pratique/store";
import type { PolicyPlaces } from "./policy-in-force.ts";
import { readPack, type PolicyPack } from "./policy-pack.ts";

/** Copies a pack into the state directory unless it is there already; says where it is. All of it or nothing. */
export async function keepOwnCopy(places: PolicyPlaces, pack: PolicyPack): Promise<string> {
  const target = join(places.own, pack.name);
  await ensureDirectory(places.own, 0o700);
  await removePartials(places.own);
  const isThere = await access(target).then(
    () => true,
    () => false,
  );
  if (isThere) return target;
  const partial = join(places.own, `.${pack.name}.${randomBytes(6).toString("hex")}.partial`);
  try {
    await mkdir(join(partial, "tests"), { recursive: true, mode: 0o700 });
    const readme = `# ${pack.name}\n\n${pack.summary}\n`;
    await writeFilesDurably([
      { path: join(partial, "README.md"), bytes: readme },
      ...Object.entries({ ...pack.files, ...pack.tests }).map(([path, bytes]) => ({
        path: join(partial, path),
        bytes,
      })),
    ]);
    await rename(partial, target);
    await syncDirectory(places.own);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  return target;
}

/** Removes the own copy when nobody changed it; says whether one is left. */
export async function dropOwnCopy(places: PolicyPlaces, name: string): Promise<"none" | "removed" | "kept"> {
  const target = join(places.own, name);
  const own = await readPack(target, name).catch(() => undefined);
  if (own === undefined) return "none";
  const shipped = await readPack(join(places.shipped, name), name).catch(() => undefined);
  if (shipped === undefined || textOf(shipped) !== textOf(own)) return "kept";
  await rm(target, { recursive: true, force: true });
  await syncDirectory(places.own);
  return "removed";
}

function textOf({ files, tests }: PolicyPack): string {
  return JSON.stringify([files, tests]);
}

async function removePartials(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (/^\..*\.[0-9a-f]{12}\.partial$/.test(name)) await rm(join(folder, name), { recursive: true, force: true });
  }
}
