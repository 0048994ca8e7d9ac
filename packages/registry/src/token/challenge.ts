// What a client is told that has to say who it is (RFC 9110 §11.6.1; distribution: docs/spec/auth/token.md).
import type { IncomingMessage } from "node:http";
import { formatScopes, type Access } from "./scope.ts";

/** Where tokens are given out, on the same listener. */
export const TOKEN_PATH = "/oauth/registry/token";

export interface ChallengeParts {
  readonly service: string;
  readonly needed: readonly Access[];
  /** The token is good, and not good enough. */
  readonly isScopeMissing: boolean;
}

/**
 * Two header lines, Bearer first: containers/image takes the first it knows, oras reads the first line alone, Docker
 * and containerd read all and like Bearer better.
 */
export function challenges(req: IncomingMessage, { service, needed, isScopeMissing }: ChallengeParts): string[] {
  const scheme = "encrypted" in req.socket ? "https" : "http";
  const parameters = [
    `realm="${scheme}://${quoted(req.headers.host ?? "localhost")}${TOKEN_PATH}"`,
    `service="${quoted(service)}"`,
    ...(needed.length === 0 ? [] : [`scope="${quoted(formatScopes(needed))}"`]),
    ...(isScopeMissing ? ['error="insufficient_scope"'] : []),
  ];
  return [`Bearer ${parameters.join(",")}`, 'Basic realm="pratique"'];
}

function quoted(text: string): string {
  return text.replace(/[^\x20-\x7e]|["\\]/g, "");
}
