// Which upstream a request means: by `?ns=` as containerd asks, or by the host as first part of the name as podman does.
import { registryErrors } from "../errors.ts";
import type { Route } from "../route.ts";
import type { Upstream } from "./upstream.ts";

const HUB = "docker.io";

/** A repository of an upstream. */
export interface UpstreamPlace {
  readonly upstream: Upstream;
  /** Its name there: `library/alpine`. */
  readonly name: string;
  /** Its name in the content store: `docker.io/library/alpine`. */
  readonly local: string;
}

export interface NameParts {
  readonly upstreams: ReadonlyMap<string, Upstream>;
  /** Hosts by which we are called ourselves. */
  readonly own: readonly (string | undefined)[];
}

/**
 * Undefined for our own repositories. Only what is configured is ever asked, whatever a request names.
 * @throws `registry.upstream-unknown`
 */
export function upstreamPlace(route: Route, query: URLSearchParams, parts: NameParts): UpstreamPlace | undefined {
  if (!("name" in route)) return undefined;
  const slash = route.name.indexOf("/");
  const first = slash < 0 ? "" : route.name.slice(0, slash);
  const rest = route.name.slice(slash + 1);
  const asked = query.get("ns");
  if (asked !== null && !parts.own.includes(asked)) {
    const upstream = parts.upstreams.get(asked);
    if (upstream === undefined) throw registryErrors("registry.upstream-unknown", { host: asked.slice(0, 160) });
    // containerd with `override_path` says it twice.
    return place(upstream, first === upstream.segment ? rest : route.name);
  }
  const upstream = parts.upstreams.get(first) ?? [...parts.upstreams.values()].find(({ segment }) => segment === first);
  return upstream === undefined ? undefined : place(upstream, rest);
}

function place(upstream: Upstream, given: string): UpstreamPlace {
  // Docker's own short names: one repository, one set of decisions about it.
  const name = upstream.name === HUB && !given.includes("/") ? `library/${given}` : given;
  return { upstream, name, local: `${upstream.segment}/${name}` };
}
