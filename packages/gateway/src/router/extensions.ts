// Skills (SEP-2640), and methods of extensions that the gateway does not know: they go to the server that declares them.
import { isJsonObject, type JsonObject } from "@pratique/core";
import { gatewayErrors } from "../errors.ts";
import type { Answer } from "../exchange/exchange.ts";
import { textAt } from "./fit-entry.ts";
import { urisToTell, withShownUri } from "./links.ts";
import { memberOf, passOn, type Asked } from "./reads.ts";
import type { Uris } from "./uris.ts";
import type { Member } from "./view.ts";

export const SKILLS_EXTENSION = "io.modelcontextprotocol/skills";
const SKILL_PAGES_LIMIT = 20;

/** skills/list: those of all servers that have any. A server that cannot be asked takes nothing from the others. */
export async function listSkills(asked: Asked): Promise<Answer> {
  const { view, exchange, parts } = asked;
  const members = view.members.filter((member) => declares(member, SKILLS_EXTENSION) && member.rules.resources);
  if (members.length === 0) throw gatewayErrors("gateway.unknown-method", { method: exchange.method });
  const uris = await urisToTell(view, parts.views);
  const [only] = members;
  if (members.length === 1 && only !== undefined && uris === undefined)
    return await passOn(asked, only, exchange.params, skillsAct(exchange.method));
  const lists = await Promise.allSettled(members.map((member) => skillsOf(asked, member, uris)));
  // What one principal sees is not what another does.
  return {
    skills: lists.flatMap((list) => (list.status === "fulfilled" ? list.value : [])),
    ttlMs: 0,
    cacheScope: "private",
  };
}

/** skills/get: goes by the URI of the skill. */
export async function getSkill(asked: Asked): Promise<Answer> {
  const { view, exchange, parts } = asked;
  const { member, uri } = await memberOf(textAt(exchange.params, "uri") ?? "", view, parts);
  const act = { ...skillsAct(exchange.method), what: uri, details: { uri } };
  const result = await passOn(asked, member, { ...exchange.params, uri }, act);
  const uris = await urisToTell(view, parts.views);
  const { skill } = result;
  return uris === undefined || !isJsonObject(skill) ? result : { ...result, skill: shownSkill(skill, member, uris) };
}

/**
 * A method that is none of MCP's own: of the one server that declares the extension which it belongs to.
 * @throws `gateway.unknown-method`, `gateway.ambiguous-method`, `policy.denied`
 */
export async function answerExtension(asked: Asked): Promise<Answer> {
  const { view, exchange } = asked;
  const { method, params } = exchange;
  const owners = view.members.filter((member) => extensionsOf(member).some((extension) => isOf(method, extension)));
  const [owner, other] = owners;
  const shown = method.slice(0, 100);
  if (owner === undefined) throw gatewayErrors("gateway.unknown-method", { method: shown });
  if (other !== undefined)
    throw gatewayErrors("gateway.ambiguous-method", {
      method: shown,
      servers: owners.map(({ name }) => name).join(", "),
    });
  const act = { action: "extension:call" as const, method, what: shown, details: { method: shown } };
  return await passOn(asked, owner, params, act);
}

export function declares(member: Member, extension: string): boolean {
  return extensionsOf(member).includes(extension);
}

function skillsAct(method: string) {
  return { action: "resource:read" as const, method, what: method, details: {} };
}

async function skillsOf(asked: Asked, member: Member, uris: Uris | undefined): Promise<JsonObject[]> {
  const found: JsonObject[] = [];
  const { cursor: _, ...params } = asked.exchange.params;
  let cursor: string | undefined;
  for (let page = 0; page < SKILL_PAGES_LIMIT; page++) {
    const act = skillsAct(asked.exchange.method);
    const result = await passOn(asked, member, cursor === undefined ? params : { ...params, cursor }, act);
    const { skills } = result;
    if (Array.isArray(skills))
      for (const skill of skills)
        if (isJsonObject(skill)) found.push(uris === undefined ? skill : shownSkill(skill, member, uris));
    cursor = textAt(result, "nextCursor");
    if (cursor === undefined) break;
  }
  return found;
}

function shownSkill(skill: JsonObject, { name }: Member, uris: Uris): JsonObject {
  const shown = (uri: string): string => uris.shown(name, uri);
  const uri = textAt(skill, "uri");
  const { resources } = skill;
  return {
    ...skill,
    ...(uri === undefined ? {} : { uri: shown(uri) }),
    ...(Array.isArray(resources) ? { resources: withShownUri(resources, shown) } : {}),
  };
}

function extensionsOf({ upstream }: Member): string[] {
  const capabilities = upstream.knownFacts()?.capabilities ?? {};
  const { extensions, experimental } = capabilities;
  return [extensions, experimental].flatMap((declared) => (isJsonObject(declared) ? Object.keys(declared) : []));
}

/** `acme.dev/measure` has `acme.dev/measure/start` and `measure/start`. */
function isOf(method: string, extension: string): boolean {
  const name = extension.slice(extension.lastIndexOf("/") + 1);
  return method.startsWith(`${extension}/`) || (name !== "" && method.startsWith(`${name}/`));
}
