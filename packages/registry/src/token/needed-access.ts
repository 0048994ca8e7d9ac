// What a request needs of a token, and how it is asked for.
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

/** Undefined for what every principal may ask. */
export function neededAccess(route: Route, method: string): Access | undefined {
  if (route.to === "catalog") return { type: "registry", name: "catalog", actions: ["*"] };
  if (!("name" in route)) return undefined;
  // An upload is a push from its first request to its last.
  const isUpload = route.to === "uploads" || route.to === "upload" || route.to === "delta";
  const actions = isUpload ? ["pull", "push"] : (ACTIONS[method] ?? ["pull"]);
  return { type: "repository", name: route.name, actions };
}
