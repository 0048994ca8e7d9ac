// References: `registry/repository:tag@digest` (distribution-spec 1.1, "Pulling manifests").
import { isDigest, type Digest } from "@pratique/core";
import { ociErrors } from "./errors.ts";

export interface Reference {
  /** Host and optional port. */
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

export interface ReferenceDefaults {
  /** Used when the text names no registry. */
  readonly registry?: string;
  /** Used when the text has neither tag nor digest. */
  readonly tag?: string;
}

const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
const HOST = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[0-9a-fA-F:]{2,39}\\])(?::([0-9]{1,5}))?$`);
const DOCKER_HUB = "docker.io";

/** True for a repository name: lower-case path components, at most 255 characters. */
export function isRepositoryName(text: string): boolean {
  return text.length <= 255 && text.split("/").every((part) => COMPONENT.test(part));
}

/** True for a tag: at most 128 letters, digits, `_`, `.` and `-`. */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** True for a host with an optional port. */
export function isRegistryHost(text: string): boolean {
  const match = text.length <= 255 ? HOST.exec(text) : null;
  return match !== null && (match[1] === undefined || (Number(match[1]) > 0 && Number(match[1]) < 65_536));
}

/** As in Docker: the first component is a registry when it can be no part of a repository, or is `localhost`. */
function namesRegistry(component: string): boolean {
  return component === "localhost" || /[.:[\]A-Z]/.test(component);
}

/**
 * Reads a reference. A single name at Docker Hub gets its `library/`.
 * @throws `reference.invalid`
 * @example parseReference("localhost:7340/tools/weather:1.0").repository // "tools/weather"
 */
export function parseReference(text: string, defaults: ReferenceDefaults = {}): Reference {
  const refuse = (reason: string): Error => ociErrors("reference.invalid", { reference: text.slice(0, 160), reason });
  if (text.length > 1024) throw refuse("it is too long");

  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) throw refuse("what follows `@` is not a sha256 or sha512 digest");

  const named = at < 0 ? text : text.slice(0, at);
  const slash = named.indexOf("/");
  const first = slash < 0 ? "" : named.slice(0, slash);
  const isExplicit = slash >= 0 && namesRegistry(first);
  const registry = isExplicit ? first : defaults.registry;
  if (registry === undefined) throw refuse("it names no registry");
  if (!isRegistryHost(registry)) throw refuse(`\`${registry}\` is not a host`);

  const rest = isExplicit ? named.slice(slash + 1) : named;
  const colon = rest.lastIndexOf(":");
  const hasTag = colon > rest.lastIndexOf("/");
  const path = hasTag ? rest.slice(0, colon) : rest;
  const tag = hasTag ? rest.slice(colon + 1) : digest === undefined ? defaults.tag : undefined;
  if (tag !== undefined && !isTag(tag)) throw refuse(`\`${tag}\` is not a tag`);
  const repository = registry === DOCKER_HUB && !path.includes("/") ? `library/${path}` : path;
  if (!isRepositoryName(repository)) {
    throw refuse(`\`${path}\` is not a repository: lower-case letters, digits, \`.\`, \`_\`, \`-\` between slashes`);
  }
  return {
    registry,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** The text of a reference. */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  return `${reference.registry}/${reference.repository}${tag}${digest}`;
}
