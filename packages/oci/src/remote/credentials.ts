// How a person or a robot is known at one registry.

export type Credentials =
  | { readonly username: string; readonly password: string }
  /** Sent as a bearer token as it stands. */
  | { readonly token: string }
  /** An OAuth refresh token, exchanged at the token endpoint (what `docker login` stores as `identitytoken`). */
  | { readonly identityToken: string };

/** Credentials, or where to find those of a registry. */
export type CredentialSource = Credentials | ((registry: string) => Promise<Credentials | undefined>);

/** The `Authorization` header that carries a name and a password. */
export function basicAuthorization(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** Everything in credentials that no text may show. */
export function secretsOf(credentials: Credentials): string[] {
  if ("token" in credentials) return [credentials.token];
  if ("identityToken" in credentials) return [credentials.identityToken];
  const basic = Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64");
  return [credentials.password, basic];
}
