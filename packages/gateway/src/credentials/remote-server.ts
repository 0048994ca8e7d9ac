// A server that wants credentials, as whoever places it describes it.
import type { Principal } from "@pratique/contracts";
import type { Clock, Log } from "@pratique/core";
import type { Guard, GuardResource } from "@pratique/guard";
import type { Leases, SecretStore } from "@pratique/secrets";
import type { AuthenticationMethod } from "./client-identity.ts";
import type { Resolve } from "./guarded-fetch.ts";

/** A header that holds a secret, with `{}` in `value` where it goes. */
export interface HeaderSecret {
  readonly name: string;
  readonly value: string;
  readonly secret: string;
  readonly scope: "shared" | "user";
  /** False: the server does without when it was never set. */
  readonly isRequired: boolean;
}

export interface OAuthSettings {
  /** Only this authorization server, wherever it is. */
  readonly issuer?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  /** A client that was registered by hand. Secret and key are names of shared secrets. */
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  readonly privateKey?: string | undefined;
  readonly keyAlgorithm?: string | undefined;
  readonly method?: AuthenticationMethod | undefined;
  readonly grant?: "authorization_code" | "client_credentials" | undefined;
}

export interface RemoteServer {
  readonly name: string;
  readonly url: string;
  /** user: each person has his own login. */
  readonly scope: "shared" | "user";
  readonly headers: readonly HeaderSecret[];
  /** False: it is never logged in to. Undefined: when it asks for it. */
  readonly oauth?: OAuthSettings | false | undefined;
  /** As policy sees it. */
  readonly resource: GuardResource;
}

/** What logins need of the daemon. */
export interface CredentialParts {
  readonly secrets: SecretStore;
  readonly leases: Leases;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Log;
  /** Where the browser comes back to: `http://127.0.0.1:7340/oauth/callback`. */
  readonly redirectUrl: () => string;
  /** Our client metadata document, when the world can read it. */
  readonly documentUrl?: string | undefined;
  /** Who acts with the credentials of a scope: for `""` the person who placed shared servers. */
  readonly principalOf: (scope: string) => Principal | undefined;
  /** A login was made or forgotten: the server may be tried again. */
  readonly onChange?: (server: string, scope: string) => void;
  readonly resolve?: Resolve;
}
