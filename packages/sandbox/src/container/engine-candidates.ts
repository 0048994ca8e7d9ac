// Where a container engine may be found, in the order in which they are tried.
import { join } from "node:path";

export type EngineCandidate =
  | { readonly type: "socket"; readonly path: string }
  | { readonly type: "tcp"; readonly host: string; readonly port: number }
  /** A `podman` that we start as a service of our own. */
  | { readonly type: "podman"; readonly executable: string };

export interface CandidateOptions {
  /** Configured socket; when given, nothing else is tried. */
  readonly socket?: string;
  /** Value of DOCKER_HOST. */
  readonly dockerHost?: string;
  /** XDG_RUNTIME_DIR. */
  readonly runtimeDirectory?: string;
  /** PATH, where `podman` is looked for. */
  readonly path: string;
}

/** The candidates of this machine; whether they are there is found out by trying. */
export function engineCandidates({ socket, dockerHost, runtimeDirectory, path }: CandidateOptions): EngineCandidate[] {
  if (socket !== undefined) return [fromAddress(socket) ?? { type: "socket", path: socket }];
  const named = dockerHost === undefined ? undefined : fromAddress(dockerHost);
  const places = ["/var/run/docker.sock"];
  if (runtimeDirectory !== undefined && runtimeDirectory !== "") {
    places.push(join(runtimeDirectory, "docker.sock"), join(runtimeDirectory, "podman", "podman.sock"));
  }
  places.push("/run/podman/podman.sock");
  const directories = path.split(":").filter((directory) => directory.startsWith("/"));
  return [
    ...(named === undefined ? [] : [named]),
    ...places.map((place): EngineCandidate => ({ type: "socket", path: place })),
    ...new Set(directories.map((directory) => join(directory, "podman")))
      .values()
      .map((executable): EngineCandidate => ({ type: "podman", executable })),
  ];
}

/** How a candidate is called in messages. */
export function candidateName(candidate: EngineCandidate): string {
  if (candidate.type === "tcp") return `tcp://${candidate.host}:${candidate.port}`;
  return candidate.type === "socket" ? candidate.path : candidate.executable;
}

/** `unix://PATH`, a path, or `tcp://HOST:PORT` on loopback: an engine's API without TLS is root for whoever reaches it. */
function fromAddress(address: string): EngineCandidate | undefined {
  const unix = /^(?:unix:\/\/)?(\/.+)$/.exec(address)?.[1];
  if (unix !== undefined) return { type: "socket", path: unix };
  const tcp = /^tcp:\/\/(localhost|127(?:\.\d{1,3}){3}|\[::1\]):(\d{1,5})\/?$/.exec(address);
  if (tcp === null) return undefined;
  return { type: "tcp", host: tcp[1]!.replace(/^\[|\]$/g, ""), port: Number(tcp[2]) };
}
