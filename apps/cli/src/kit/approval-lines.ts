// An act that waits for approval, as a person reads it.
import type { PendingApproval } from "@pratique/contracts";
import { stripVTControlCharacters } from "node:util";
import type { Terminal } from "./terminal.ts";

const ARGUMENT_LIMIT = 200;
const ARGUMENTS_SHOWN = 20;

/** Who wants what, with which arguments, what forbids it, and how it is answered. */
export function approvalLines(pending: PendingApproval, { paint }: Terminal): string {
  const { id, principal, action, resource, policies, time, expires, isWaiting } = pending;
  const who = principal.actingFor === undefined ? principal.name : `${principal.id} for ${principal.name}`;
  const rows = Object.entries(pending.arguments ?? {});
  return [
    `${paint("accent", id)}  ${plain(`${action} ${resource.id}`)}`,
    `  who      ${plain(who)}`,
    ...rows
      .slice(0, ARGUMENTS_SHOWN)
      .map(([name, value], at) => `  ${at === 0 ? "with" : "    "}     ${plain(name)}: ${shortly(value)}`),
    ...(rows.length > ARGUMENTS_SHOWN ? [`           and ${rows.length - ARGUMENTS_SHOWN} more`] : []),
    `  policy   ${policies.join(", ")}`,
    `  since    ${time.slice(11, 19)}, until ${expires.slice(11, 19)} UTC${isWaiting ? "; the caller waits" : "; counts when it is called again"}`,
  ].join("\n");
}

function shortly(value: unknown): string {
  const text = plain(JSON.stringify(value));
  return text.length > ARGUMENT_LIMIT ? `${text.slice(0, ARGUMENT_LIMIT)}… (${text.length} characters)` : text;
}

/** An agent writes these texts: no control characters reach the terminal of the person who decides. */
function plain(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "�");
}
