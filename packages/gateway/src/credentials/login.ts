// A login to a server, as it is kept: tokens, whose they are, and to whom alone they are shown.
import type { SecretStore } from "@pratique/secrets";
import { z } from "zod";
import { ClientIdentity } from "./client-identity.ts";
import type { Tokens } from "./token-endpoint.ts";

export const Login = z.strictObject({
  server: z.string(),
  issuer: z.string(),
  /** Tokens go to this resource alone: another address under the server's name does not get them. */
  resource: z.string(),
  accessToken: z.string(),
  refreshToken: z.string().optional(),
  expiresAt: z.number().optional(),
  /** Granted, and asked for so far. */
  scope: z.string().optional(),
  requestedScope: z.string().optional(),
  client: ClientIdentity,
  obtainedAt: z.number(),
});
export type Login = z.infer<typeof Login>;

export interface KeptLogin {
  readonly login: Login;
  readonly version: number;
}

/** What may be told of one. */
export interface LoginSummary {
  readonly server: string;
  /** Empty: everybody's. */
  readonly owner: string;
  readonly issuer: string;
  readonly scope?: string;
  readonly isRenewable: boolean;
  readonly expiresAt?: string;
  readonly since: string;
}

const LOGIN_KIND = "login";

/** Logins in the store of secrets, each as one value: tokens are replaced together or not at all. */
export class LoginStore {
  readonly #secrets: SecretStore;

  constructor(secrets: SecretStore) {
    this.#secrets = secrets;
  }

  async read(owner: string, server: string): Promise<KeptLogin | undefined> {
    const opened = await this.#secrets.open({ owner, name: nameOf(server) });
    if (opened === undefined || opened.entry.kind !== LOGIN_KIND) return undefined;
    try {
      const login = Login.safeParse(JSON.parse(opened.secret.reveal()));
      if (!login.success) return undefined;
      this.#learn(owner, login.data);
      return { login: login.data, version: opened.entry.version };
    } finally {
      opened.secret.dispose();
    }
  }

  /** `expected`: the version that it takes the place of. @throws `secret.conflict` */
  async keep(owner: string, login: Login, expected?: number): Promise<KeptLogin> {
    this.#learn(owner, login);
    const { server, issuer, scope, expiresAt, refreshToken, obtainedAt } = login;
    const facts = { server, issuer, scope, expiresAt, obtainedAt, isRenewable: refreshToken !== undefined };
    // A key has a secret of its own: it is not kept a second time.
    const { privateKey: _, ...client } = login.client;
    const value = Buffer.from(JSON.stringify({ ...login, client }));
    const { version } = await this.#secrets.keep(
      { owner, name: nameOf(server), kind: LOGIN_KIND, facts, ...(expected === undefined ? {} : { expected }) },
      value,
    );
    return { login, version };
  }

  async remove(owner: string, server: string): Promise<boolean> {
    for (const what of ["access", "refresh"]) this.#secrets.known.forget(knownKey(owner, server, what));
    return await this.#secrets.remove({ owner, name: nameOf(server) });
  }

  /** Everybody's, and those of one owner. */
  async list(owner: string): Promise<LoginSummary[]> {
    const entries = await this.#secrets.list(LOGIN_KIND);
    return entries
      .filter((entry) => entry.owner === "" || entry.owner === owner)
      .map((entry) => {
        const { server, issuer, scope, expiresAt, isRenewable } = entry.facts;
        return {
          server: String(server),
          owner: entry.owner,
          issuer: String(issuer),
          ...(typeof scope === "string" ? { scope } : {}),
          ...(typeof expiresAt === "number" ? { expiresAt: new Date(expiresAt).toISOString() } : {}),
          isRenewable: isRenewable === true,
          since: entry.createdAt,
        };
      });
  }

  /** So that the secret guard finds them in messages. */
  #learn(owner: string, { server, accessToken, refreshToken }: Login): void {
    const name = `login to ${server}`;
    this.#secrets.known.add(knownKey(owner, server, "access"), name, accessToken);
    if (refreshToken !== undefined) this.#secrets.known.add(knownKey(owner, server, "refresh"), name, refreshToken);
  }
}

/** What follows from an answer of a token endpoint. */
export function loginOf(
  tokens: Tokens,
  rest: Pick<Login, "server" | "issuer" | "resource" | "client" | "obtainedAt"> & {
    requestedScope: string | undefined;
  },
): Login {
  const { accessToken, refreshToken, expiresAt } = tokens;
  const { requestedScope, ...others } = rest;
  // RFC 6749 §5.1: without a word about scopes, they are those that were asked for.
  const scope = tokens.scope ?? requestedScope;
  return {
    ...others,
    accessToken,
    ...(refreshToken === undefined ? {} : { refreshToken }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(scope === undefined ? {} : { scope }),
    ...(requestedScope === undefined ? {} : { requestedScope }),
  };
}

function nameOf(server: string): string {
  return `login:${server}`;
}

function knownKey(owner: string, server: string, what: string): string {
  return `${what} ${JSON.stringify([owner, server])}`;
}
