// From the name that an agent file has for something to the artifact that is meant.
import { isPratiqueError } from "@pratique/core";
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { Found } from "../artifacts/find-artifact.ts";

/** A reference, or a bare name that is looked for beside the agent itself: `harbour` → `voyage/harbour:latest or its only tag`. */
export async function findNamed(
  artifacts: Pick<Artifacts, "find" | "tags">,
  name: string,
  beside: Pick<Found, "repository">,
): Promise<Found | undefined> {
  const namespace = beside.repository.name.split("/").slice(0, -1).join("/");
  const candidates = [name, ...(name.includes("/") || namespace === "" ? [] : [`${namespace}/${name}`])];
  for (const candidate of candidates) {
    for (const reference of [candidate, ...(candidate.includes(":") ? [] : await tagged(artifacts, candidate))]) {
      const found = await artifacts.find(reference).catch((error: unknown) => {
        if (isPratiqueError(error, "artifact.not-found") || isPratiqueError(error, "reference.invalid"))
          return undefined;
        throw error;
      });
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** References of every tag of a repository, newest version last in, first out. */
async function tagged(artifacts: Pick<Artifacts, "tags">, repository: string): Promise<string[]> {
  const tags = await artifacts.tags(repository);
  return tags
    .sort((left, right) => right.localeCompare(left, "en", { numeric: true }))
    .map((tag) => `${repository}:${tag}`);
}
