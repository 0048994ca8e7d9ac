// What a request needs of a token, and how it is asked for.
import { isRepositoryName } from "@pratique/oci";
import type { Route } from "../route.ts";
import type { Access } from "./scope.ts";

const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  GET: ["pull"],
  HEAD: ["pull"],
  PUT: ["pull", "push"],
  POST: ["pull", "push"],
  PATCH: ["pull", "push"],
  DELETE: ["delete"],
};

/** Empty for what every principal may ask. */
export function neededAccess(route: Route, method: string, query: URLSearchParams): readonly Access[] {
  if (route.to === "catalog") return [{ type: "registry", name: "catalog", actions: ["*"] }];
  if (!("name" in route)) return [];
  // An upload is a push from its first request to its last.
  const isUpload = route.to === "uploads" || route.to === "upload" || route.to === "delta";
  const actions = isUpload ? ["pull", "push"] : (ACTIONS[method] ?? ["pull"]);
  const own: Access = { type: "repository", name: route.name, actions };
  // A mount reads from another repository (distribution: docs/spec/auth/scope.md, "cross-repository mount").
  const from = route.to === "uploads" && query.has("mount") ? query.get("from") : null;
  if (from === null || from === route.name || !isRepositoryName(from)) return [own];
  return [own, { type: "repository", name: from, actions: ["pull"] }];
}
