// One catalogue in a process of its own, as the comparison starts it: `image STORE DIGEST OUT` or `directory PATH OUT`.
import { writeFileSync } from "node:fs";
import { silentLog, systemClock } from "@pratique/core";
import { openContentStore } from "@pratique/oci";
import { catalogueArtifact, catalogueDirectory, type Catalogue } from "@pratique/sbom";
import { REPOSITORY } from "./image.ts";

const [what = "", first = "", second = "", third = ""] = process.argv.slice(2);

async function ofImage(directory: string, digest: string): Promise<Catalogue> {
  const store = await openContentStore(directory, { clock: systemClock, log: silentLog });
  const repository = store.repository(REPOSITORY);
  const descriptor = await repository.resolve(digest);
  if (descriptor === undefined) throw new Error(`${digest} is not there`);
  const catalogue = await catalogueArtifact(repository, descriptor);
  await store.close();
  return catalogue;
}

if (what === "image") writeFileSync(third, JSON.stringify(await ofImage(first, second)));
else writeFileSync(second, JSON.stringify(await catalogueDirectory(first, { as: "root" })));
