// Which endpoint a request means (distribution-spec 1.1, "Endpoints"). Read from the end, since a name may hold any word.
import { isRepositoryName } from "@pratique/oci";
import { registryErrors } from "./errors.ts";

export type Route =
  | { readonly to: "ping" }
  | { readonly to: "catalog" }
  | { readonly to: "tags"; readonly name: string }
  | { readonly to: "manifest"; readonly name: string; readonly reference: string }
  | { readonly to: "blob"; readonly name: string; readonly digest: string }
  | { readonly to: "uploads"; readonly name: string }
  | { readonly to: "upload"; readonly name: string; readonly id: string }
  | { readonly to: "referrers"; readonly name: string; readonly digest: string }
  | { readonly to: "extensions" }
  | { readonly to: "delta"; readonly name: string; readonly digest: string };

export interface Target {
  readonly route: Route;
  readonly query: URLSearchParams;
}

/** @throws `registry.route-unknown`, `registry.name-invalid` */
export function parseTarget(url: string): Target {
  const mark = url.indexOf("?");
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1));
  return { route: parsePath(path), query };
}

const KEPT_ROUTES = 1024;
const KEPT_LENGTH = 512;

/** Reads targets, and knows those again that came lately: clients ask for the same few over and over. */
export class TargetReader {
  readonly #routes = new Map<string, Route>();

  /** @throws as `parseTarget` does */
  read(url: string): Target {
    const known = this.#routes.get(url);
    if (known !== undefined) return { route: known, query: new URLSearchParams() };
    const target = parseTarget(url);
    if (url.length > KEPT_LENGTH || url.includes("?")) return target;
    this.#routes.set(url, Object.freeze(target.route));
    if (this.#routes.size > KEPT_ROUTES) {
      const { value: oldest } = this.#routes.keys().next();
      if (oldest !== undefined) this.#routes.delete(oldest);
    }
    return target;
  }
}

function parsePath(path: string): Route {
  if (path === "/v2/" || path === "/v2") return { to: "ping" };
  const unknown = (): Error => registryErrors("registry.route-unknown", { path: path.slice(0, 160) });
  if (!path.startsWith("/v2/")) throw unknown();
  const parts = path.slice("/v2/".length).split("/").map(decodePart);
  if (parts.length === 1 && parts[0] === "_catalog") return { to: "catalog" };
  const last = parts.at(-1)!;
  const kind = parts.at(-2);
  const before = parts.at(-3);

  if (before === "_oci" && kind === "ext" && last === "discover") return { to: "extensions" };
  if (before === "_pratique" && kind === "delta") {
    return { to: "delta", name: nameOf(parts.slice(0, -3)), digest: last };
  }
  if (kind === "tags" && last === "list") return { to: "tags", name: nameOf(parts.slice(0, -2)) };
  if (kind === "manifests") return { to: "manifest", name: nameOf(parts.slice(0, -2)), reference: last };
  if (kind === "referrers") return { to: "referrers", name: nameOf(parts.slice(0, -2)), digest: last };
  if (kind === "uploads" && before === "blobs") {
    const name = nameOf(parts.slice(0, -3));
    return last === "" ? { to: "uploads", name } : { to: "upload", name, id: last };
  }
  // Some clients leave the closing slash of `blobs/uploads/` away.
  if (kind === "blobs" && last === "uploads") return { to: "uploads", name: nameOf(parts.slice(0, -2)) };
  if (kind === "blobs") return { to: "blob", name: nameOf(parts.slice(0, -2)), digest: last };
  throw unknown();
}

function decodePart(part: string): string {
  if (!part.includes("%")) return part;
  const refuse = (): Error => registryErrors("registry.name-invalid", { name: part.slice(0, 160) });
  try {
    const decoded = decodeURIComponent(part);
    if (!decoded.includes("/")) return decoded;
  } catch {
    throw refuse();
  }
  throw refuse();
}

function nameOf(parts: readonly string[]): string {
  const name = parts.join("/");
  if (!isRepositoryName(name)) throw registryErrors("registry.name-invalid", { name: name.slice(0, 160) });
  return name;
}
