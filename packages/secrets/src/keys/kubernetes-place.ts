// A ring of keys in a Secret of a Kubernetes cluster: through the API, or mounted into the Pod by others.
import { join } from "node:path";
import { secretErrors } from "../errors.ts";
import { readKubernetesSecret, writeKubernetesSecret, type KubernetesPlace } from "../kubernetes.ts";
import type { KeyPlace } from "./key-place.ts";
import { readPrivateFile } from "./private-file.ts";

/** The key of the Secret's data. */
const DATA_KEY = "key-ring.json";

export function kubernetesPlace(cluster: KubernetesPlace): KeyPlace {
  const place = `the Kubernetes Secret ${cluster.namespace}/${cluster.name}`;
  const reach = async <T>(act: Promise<T>): Promise<T> => {
    try {
      return await act;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw secretErrors("secrets.keys-unreachable", { place, reason }, { cause: error });
    }
  };
  return {
    type: "kubernetes",
    place,
    async read() {
      const secret = await reach(readKubernetesSecret(cluster));
      const bytes = secret?.data.get(DATA_KEY);
      return secret === undefined || bytes === undefined ? undefined : { bytes, revision: secret.resourceVersion };
    },
    async write(bytes, revision) {
      // One that is there without a ring is completed; what else is in it stays.
      const there = await reach(readKubernetesSecret(cluster));
      if (revision !== undefined && there?.resourceVersion !== revision) return false;
      if (revision === undefined && there?.data.has(DATA_KEY) === true) return false;
      const data = new Map(there?.data).set(DATA_KEY, bytes);
      return await reach(writeKubernetesSecret(cluster, data, there?.resourceVersion));
    },
  };
}

/** Read only: whoever made the Secret rotates it, by adding a key to the document. */
export function mountedPlace(directory: string): KeyPlace {
  const path = join(directory, DATA_KEY);
  return {
    type: "kubernetes",
    place: `the mounted Secret ${path}`,
    async read() {
      const bytes = await readPrivateFile(path, { isMounted: true });
      return bytes === undefined ? undefined : { bytes, revision: "" };
    },
    async write() {
      throw secretErrors(
        "secrets.keys-unusable",
        { place: path, reason: "a mounted Secret cannot be written" },
        { hint: `put a ring of keys under ${DATA_KEY} into the Secret: see the guide on secrets` },
      );
    },
  };
}
