// The words of a decision. The first words of a reason are fixed: people search for them and models were trained on them.
import type { PolicyReason } from "@pratique/contracts";
import type { Entity, PolicyRequest } from "./cedar-request.ts";

// Names come from artifacts and servers. Control and format characters would let one forge lines or reverse text.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu;

/** A name from outside, on one line and at most 200 characters. */
export function printable(text: string): string {
  const clean = text.slice(0, 400).replace(UNPRINTABLE, "�");
  return clean.length > 200 ? `${clean.slice(0, 199)}…` : clean;
}

/** What a person calls a resource: its name, an artifact's repository, a registry's host, else its id. */
export function nameOf(resource: Entity): string {
  for (const key of ["name", "repository", "host"]) {
    const value = resource.attributes?.[key];
    if (typeof value === "string" && value !== "") return printable(value);
  }
  return printable(resource.id);
}

const PLAIN_WORD = /^[\w@%+=:,./-]+$/;

/** A word for a command line that somebody will copy: quoted unless it is plain. */
function shellWord(text: string): string {
  const word = printable(text);
  return PLAIN_WORD.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Fills `{id}` and `{name}` of a remedy with the resource's. */
export function fillRemedy(remedy: string, resource: Entity): string {
  return remedy.replace(/\{(id|name)\}/g, (_, what: string) =>
    shellWord(what === "id" ? resource.id : nameOf(resource)),
  );
}

const list = (words: readonly string[]): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;

/** `policy no-writes forbids write_note`, and which others do. */
export function forbidSentence(forbids: readonly PolicyReason[], request: PolicyRequest): string {
  const [first, ...others] = forbids.map(({ id }) => id);
  const more = others.length === 0 ? "" : `; so ${others.length === 1 ? "does" : "do"} ${list(others)}`;
  return `policy ${first} forbids ${nameOf(request.resource)}${more}`;
}

/** `no policy allows artifact:run of voyage/rogue` */
export function defaultDenySentence(request: PolicyRequest): string {
  return `no policy allows ${request.action} of ${nameOf(request.resource)}`;
}

/** `policy owner-may allows tool:call of get_weather` */
export function allowSentence(permits: readonly PolicyReason[], request: PolicyRequest): string {
  const ids = permits.map(({ id }) => id);
  const subject = ids.length === 1 ? `policy ${ids[0]} allows` : `policies ${list(ids)} allow`;
  return `${subject} ${request.action} of ${nameOf(request.resource)}`;
}

/** What would help against a default deny: the permits that have to do with the act. */
export function nearestSentence(nearest: readonly PolicyReason[], request: PolicyRequest): string {
  if (nearest.length === 0) {
    return `no permit covers ${request.action} on ${request.resource.type} for ${request.principal.type}: add one`;
  }
  const told = nearest.slice(0, 3).map(({ id, reason }) => (reason === undefined ? id : `${id} (${reason})`));
  return `the nearest permits: ${told.join("; ")}`;
}

const UNDECIDED = "policy cannot decide on this request";

/** A denial because the request fits neither schema nor bounds: a defect of the caller, no policy's doing. */
export function undecidedSentence(why: string): string {
  return `${UNDECIDED}: ${printable(why)}`;
}

/** True for a reason that `undecidedSentence` made. */
export function isUndecided(reason: string): boolean {
  return reason.startsWith(`${UNDECIDED}: `);
}
