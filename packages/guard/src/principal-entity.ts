// Who acts, as policy and records see it.
import type { Principal, RecordBody, UserPrincipal } from "@pratique/contracts";
import { OWNER_GROUP } from "@pratique/identity";
import type { Entity } from "@pratique/policy";

const isOwner = (user: UserPrincipal): boolean => user.groups.includes(OWNER_GROUP);

/** The Cedar entity of a principal. A workload is the owner's when the user it acts for is the owner. */
export function principalEntity(principal: Principal): Entity {
  const parents = principal.groups.map((id): Entity => ({ type: "Group", id }));
  if (principal.type === "User") {
    const attributes = { name: principal.name, owner: isOwner(principal) };
    return { type: "User", id: principal.id, attributes, parents };
  }
  const { run, artifact } = principal;
  const attributes = {
    owner: isOwner(principal.actingFor),
    ...(run === undefined ? {} : { run }),
    ...(artifact === undefined ? {} : { artifact }),
  };
  return { type: "Workload", id: principal.id, attributes, parents };
}

/** How a record names a principal; `Anonymous` when there is none. */
export function recordPrincipal(principal: Principal | undefined): RecordBody["principal"] {
  if (principal === undefined) return { type: "Anonymous", id: "anonymous" };
  if (principal.type === "User") return { type: "User", id: principal.id, name: nameOf(principal) };
  const { id, actingFor, artifact } = principal;
  return {
    type: "Workload",
    id,
    name: nameOf(actingFor),
    actingFor: actingFor.id,
    ...(artifact === undefined ? {} : { artifact }),
  };
}

const MAX_NAME = 200;

function nameOf(user: { readonly name: string }): string {
  return user.name.slice(0, MAX_NAME).toWellFormed();
}
