// What the gateway says of itself: what its servers can, as far as the caller may know of them.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import { withoutUnseen } from "./clean-text.ts";
import type { ServerFacts } from "../exchange/upstream-port.ts";
import type { Face } from "../exchange/router-port.ts";
import type { Caller } from "../front/caller.ts";
import { CAPABILITIES_LIMIT, FACE_WAIT_MS, INSTRUCTIONS_LIMIT, INSTRUCTIONS_LIMIT_ONE } from "../limits.ts";
import { passable } from "./passable.ts";
import type { RouterParts } from "./router-parts.ts";
import { serversOf } from "./lists.ts";
import type { Member, View } from "./view.ts";

/** What there may be of a server that is late: a client that was not told of it would never ask. */
const OWN: JsonObject = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  completions: {},
  logging: {},
};

export async function faceOf(
  caller: Caller,
  view: View,
  info: JsonObject,
  method: string,
  parts: RouterParts,
): Promise<Face> {
  // It may be had without those who are late, since they may come to have anything.
  await parts.views.ready(view, "tools", FACE_WAIT_MS);
  const members = await visibleMembers(caller, view, method, parts);
  const facts = members.flatMap((member) => {
    const known = member.upstream.knownFacts();
    return known === undefined ? [] : [{ member, facts: known }];
  });
  const instructions = instructionsOf(view, facts, parts);
  return {
    info,
    capabilities: facts.map(({ member, facts: of }) => fitCapabilities(of, member.name, parts)).reduce(merged, OWN),
    ...(instructions === "" ? {} : { instructions }),
  };
}

/** The servers of a view of which the caller may see anything; one record for all. */
export async function visibleMembers(
  caller: Caller,
  view: View,
  method: string,
  { guard, acts }: RouterParts,
): Promise<readonly Member[]> {
  const asking = { caller, profile: view.profile };
  const servers = await serversOf(view.members.map((member) => ({ member })));
  const offers = Map.groupBy(view.tools.offers, ({ member }) => member);
  return await guard.filter(acts.listing(asking, "tool:list", method), view.members, (member) => {
    const server = servers.get(member)!;
    // A policy may allow some of its tools, and never speak of the server.
    const tool = (offers.get(member) ?? [])
      .map((offer) => offer.resource(server))
      .find((resource) => guard.decide(acts.upon(member.place, resource, asking, "tool:list")).allow);
    return tool ?? server;
  });
}

/** Those of one server as clients may see them; none when they say more than any client reads, or hold a secret. */
function fitCapabilities({ capabilities }: ServerFacts, server: string, { screen }: RouterParts): JsonObject {
  try {
    const bounded = passable(capabilities);
    if (JSON.stringify(bounded).length > CAPABILITIES_LIMIT) return {};
    return screen.value(bounded, { direction: "to-client", server, what: "capabilities" }).value;
  } catch {
    return {};
  }
}

/** Both; what one of them lists, and the other does not. */
function merged(one: JsonObject, other: JsonObject): JsonObject {
  const result: Record<string, Json | undefined> = { ...one };
  for (const [key, value] of Object.entries(other)) {
    if (key === "__proto__") continue;
    const known = result[key];
    if (isJsonObject(known) && isJsonObject(value)) result[key] = merged(known, value);
    else if (known === undefined || known === false) result[key] = value;
  }
  return result;
}

function instructionsOf(
  view: View,
  servers: readonly { readonly member: Member; readonly facts: ServerFacts }[],
  { screen }: RouterParts,
): string {
  const { profile, members } = view;
  const own = profile.configured?.instructions;
  if (own !== undefined) return own;
  const texts = servers.flatMap(({ member, facts: { instructions = "" } }) => {
    const { name } = member;
    if (view.isHeld(member)) return [];
    const text = shortened(
      withoutUnseen(instructions.slice(0, 4 * INSTRUCTIONS_LIMIT_ONE)).trim(),
      INSTRUCTIONS_LIMIT_ONE,
    );
    if (text === "") return [];
    try {
      const { value } = screen.value(passable(text), { direction: "to-client", server: name, what: "instructions" });
      return [members.length === 1 ? value : `## ${name}\n\n${value}`];
    } catch {
      return [];
    }
  });
  return shortened(texts.join("\n\n"), INSTRUCTIONS_LIMIT);
}

function shortened(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1).toWellFormed()}…`;
}
