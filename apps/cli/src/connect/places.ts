// Where the configuration of container clients lies: the system's for root, the person's own otherwise.
import { homedir } from "node:os";
import { join, relative, resolve } from "node:path";

export interface Places {
  readonly isSystem: boolean;
  /** `/etc/containers`, or the person's. */
  readonly containers: string;
  /** `/etc/containerd`, or the person's. */
  readonly containerd: string;
  /** Where podman, buildah and skopeo keep credentials that outlive a restart. */
  readonly podmanAuth: string;
  readonly dockerConfig: string;
  /** A path as who lives below the root knows it. */
  inside(path: string): string;
  /** Docker's daemon, which is the system's. */
  readonly dockerDaemon: string;
}

export interface PlacesOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly userId: number;
  /** Directory that stands for `/`. */
  readonly root: string | undefined;
}

export function placesOf({ environment, userId, root }: PlacesOptions): Places {
  const at = (path: string): string => (root === undefined ? path : join(resolve(root), path));
  const home = given(environment["HOME"]) ?? homedir();
  const config = given(environment["XDG_CONFIG_HOME"]) ?? join(home, ".config");
  const isSystem = userId === 0;
  return {
    isSystem,
    containers: at(isSystem ? "/etc/containers" : join(config, "containers")),
    containerd: at(isSystem ? "/etc/containerd" : join(config, "containerd")),
    podmanAuth: at(join(config, "containers", "auth.json")),
    dockerConfig: at(join(given(environment["DOCKER_CONFIG"]) ?? join(home, ".docker"), "config.json")),
    dockerDaemon: at("/etc/docker/daemon.json"),
    inside: (path) => (root === undefined ? path : `/${relative(resolve(root), path)}`),
  };
}

function given(value: string | undefined): string | undefined {
  return value === undefined || value === "" ? undefined : value;
}
