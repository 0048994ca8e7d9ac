// What is said of a tool that nobody has: perhaps a server has it whose tools nobody knows before a person did something.
import { isPratiqueError } from "@pratique/core";
import { gatewayErrors } from "../errors.ts";
import type { Member, View } from "./view.ts";

/** A login or a secret is missing: trying again changes nothing. */
const FOR_A_PERSON = /^(?:gateway\.(?:authorization|credential|login|address)-|secrets?\.)/;

/** `gateway.unknown-tool`, or what a server of the view wants first. */
export async function unknownTool(name: string, { members }: Pick<View, "members">): Promise<Error> {
  const wanting = await Promise.all(
    members.filter((member) => member.upstream.knownList("tools") === undefined).map(whatItWants),
  );
  const wants = wanting.filter((each) => each !== undefined);
  // Its own tool, or nobody else's.
  const own = wants.find(({ member }) => members.length === 1 || name.startsWith(`${member.name}__`));
  if (own !== undefined) return own.error;
  const [first] = wants;
  const more = first === undefined ? {} : { hint: `tools/list tells which there are; ${first.error.message}` };
  return gatewayErrors("gateway.unknown-tool", { name: name.slice(0, 100) }, more);
}

async function whatItWants(member: Member): Promise<{ member: Member; error: Error } | undefined> {
  if (member.upstream.status().state !== "failed") return undefined;
  try {
    await member.upstream.facts();
  } catch (error) {
    if (isPratiqueError(error) && FOR_A_PERSON.test(error.code)) return { member, error };
  }
  return undefined;
}
