// Requests for what is an upstream's: who answers which.
import { isPratiqueError } from "@pratique/core";
import type { GuardResource } from "@pratique/guard";
import type { Descriptor } from "@pratique/oci";
import { repositoryResource } from "../act.ts";
import { deleteBlob } from "../blob-download.ts";
import { registryErrors } from "../errors.ts";
import type { Exchange, RegistryParts } from "../exchange.ts";
import { KnownActs } from "../known-acts.ts";
import { deleteManifest } from "../manifest-delete.ts";
import { listReferrers } from "../referrers.ts";
import { RepositoryLine } from "../repository-line.ts";
import type { Route } from "../route.ts";
import { listTags } from "../tag-list.ts";
import type { PullThrough } from "./pull-through.ts";
import type { Upstream } from "./upstream.ts";
import type { UpstreamPlace } from "./upstream-name.ts";
import { answeringOtherwise } from "./answering-otherwise.ts";
import { getUpstreamBlob, headUpstreamBlob } from "./upstream-blob.ts";
import { upstreamReferrers, upstreamTags } from "./upstream-lists.ts";
import { getUpstreamManifest, headUpstreamManifest } from "./upstream-manifest.ts";

export interface UpstreamExchange {
  readonly pullThrough: PullThrough;
  readonly place: UpstreamPlace;
  /** As for a registry of the upstream's name: its repositories by the names they have there. */
  readonly parts: RegistryParts;
  readonly exchange: Exchange;
}

type Handler = () => Promise<void>;

/** Answers requests for upstreams' repositories, beside the registry's own. */
export class UpstreamDoor {
  readonly #parts: RegistryParts;
  readonly #pullThrough: PullThrough;
  readonly #partsOf = new Map<Upstream, RegistryParts>();

  constructor(parts: RegistryParts, pullThrough: PullThrough) {
    this.#parts = parts;
    this.#pullThrough = pullThrough;
  }

  /** All that a repository's name may mean: without the `?ns=` of a request, it may be any upstream's as well as ours. */
  resources(name: string): GuardResource[] {
    const places = this.#pullThrough.places(name);
    const upstream = places.list.map((place) => repositoryResource({ host: place.upstream.name }, place.name));
    return places.isOurs ? [repositoryResource(this.#parts, name), ...upstream] : upstream;
  }

  /** What looks like a host and names no upstream is denied by name, unless there is such a repository of ours. */
  explain(exchange: Exchange, route: Route, error: unknown): unknown {
    const { method } = exchange.req;
    if (method !== "GET" && method !== "HEAD") return error;
    const isMissing = isPratiqueError(error, "manifest.not-found") || isPratiqueError(error, "repository.not-found");
    if (!isMissing && !isPratiqueError(error, "blob.not-found")) return error;
    const host = "name" in route && this.#pullThrough.places(route.name).isOurs ? hostIn(route.name) : undefined;
    return host === undefined ? error : registryErrors("registry.upstream-unknown", { host }, { cause: error });
  }

  /** The handlers of a route by method; undefined when it means a repository of our own. @throws `registry.upstream-unknown` */
  handlers(exchange: Exchange, route: Route): Readonly<Record<string, Handler>> | undefined {
    const { host } = exchange.req.headers;
    const place = this.#pullThrough.place(route, exchange.query, [this.#parts.host, host]);
    if (place === undefined) return undefined;
    const parts = this.#partsOf.get(place.upstream) ?? partsOf(this.#parts, this.#pullThrough, place.upstream);
    this.#partsOf.set(place.upstream, parts);
    return handlersOf({ pullThrough: this.#pullThrough, place, parts, exchange }, route);
  }
}

/** `quay.example/team/app`, `127.0.0.1/app`, `host_5000/app`: as clients write that are remapped. */
function hostIn(name: string): string | undefined {
  const first = name.includes("/") ? name.slice(0, name.indexOf("/")) : "";
  return first === "localhost" || /\.[a-z0-9-]+(?:_\d+)?$|_\d+$/.test(first)
    ? first.replace(/_(\d+)$/, ":$1")
    : undefined;
}

function handlersOf(own: UpstreamExchange, route: Route): Readonly<Record<string, Handler>> {
  const { exchange, place } = own;
  const refuse: Handler = async () => {
    throw registryErrors("registry.upstream-read-only", { repository: place.local, upstream: place.upstream.name });
  };
  switch (route.to) {
    case "manifest":
      return {
        GET: () => getUpstreamManifest(own, route.reference),
        HEAD: () => headUpstreamManifest(own, route.reference),
        PUT: refuse,
        DELETE: () => deleteManifest(own.parts, exchange, place.name, route.reference),
      };
    case "blob":
      return {
        GET: () => getUpstreamBlob(own, route.digest),
        HEAD: () => headUpstreamBlob(own, route.digest),
        DELETE: () => deleteBlob(own.parts, exchange, place.name, route.digest),
      };
    case "tags": {
      const list: Handler = async () => listTags(await upstreamTags(own), exchange, place.name);
      return { GET: list, HEAD: list };
    }
    case "referrers": {
      const list: Handler = async () =>
        listReferrers(await upstreamReferrers(own, route.digest), exchange, place.name, route.digest);
      return { GET: list, HEAD: list };
    }
    default:
      return { POST: refuse, PUT: refuse, PATCH: refuse, GET: refuse, DELETE: refuse };
  }
}

/** The same registry with other names: what policy, records and answers call a repository is what its upstream calls it. */
function partsOf(parts: RegistryParts, pullThrough: PullThrough, upstream: Upstream): RegistryParts {
  const localName = (name: string): string => `${upstream.segment}/${name}`;
  const store = answeringOtherwise(parts.store, {
    repository: (name) => parts.store.repository(localName(name)),
    repositories: async () => [],
    holders: async () => [],
  });
  const evidence = async (name: string, descriptor: Descriptor): Promise<GuardResource> => {
    const manifest = await store.repository(name).manifest(descriptor.digest);
    if (manifest === undefined) return parts.evidence(localName(name), descriptor);
    return pullThrough.artifact({ upstream, name, local: localName(name) }, manifest);
  };
  // What is known by name is known by the name there.
  return { ...parts, host: upstream.name, store, evidence, line: new RepositoryLine(), known: new KnownActs() };
}
