// Values in a Secret of a Kubernetes cluster: through the API, or mounted into the Pod.
import { join } from "node:path";
import { secretErrors } from "../errors.ts";
import { readPrivateFile } from "../keys/private-file.ts";
import { readKubernetesSecret, type KubernetesPlace } from "../kubernetes.ts";
import type { ValueSource } from "./value-source.ts";

/** A key of a Secret's data: kubernetes.io, "Secrets", "Constraints". `/` cannot be in one: `.` stands for it. */
function dataKey(name: string): string {
  return name.replaceAll("/", ".");
}

/** Name of a secret = key of the Secret's data. */
export function kubernetesValues(cluster: KubernetesPlace): ValueSource {
  const place = `the Kubernetes Secret ${cluster.namespace}/${cluster.name}`;
  return {
    type: "kubernetes",
    place,
    async read(name) {
      try {
        return (await readKubernetesSecret(cluster))?.data.get(dataKey(name));
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw secretErrors("secrets.source-failed", { place, name, reason }, { cause: error });
      }
    },
  };
}

/** Name of a secret = name of a file in the directory. Read each time: the kubelet puts new values in. */
export function mountedValues(directory: string): ValueSource {
  return {
    type: "directory",
    place: directory,
    async read(name) {
      const bytes = await readPrivateFile(join(directory, dataKey(name)), { isMounted: true });
      if (bytes === undefined) return undefined;
      // Files written by hand end with a line break that is not part of the value.
      return bytes.at(-1) === 0x0a ? bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1) : bytes;
    },
  };
}
