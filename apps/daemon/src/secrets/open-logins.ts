// Opens what logs in to servers: their credentials, the desk, and the pages that browsers come back to.
import type { Config, ServerAuthConfig, ServerEntry, UserPrincipal } from "@pratique/contracts";
import type { Clock, Log } from "@pratique/core";
import { Credentials, type Gateway, type HeaderSecret, type OAuthSettings, type UpstreamAuth } from "@pratique/gateway";
import type { Guard, GuardResource } from "@pratique/guard";
import { LoginDesk } from "./login-desk.ts";
import { CALLBACK_PATH, DOCUMENT_PATH, LoginPages } from "./login-pages.ts";
import type { OpenedSecrets } from "./open-secret-desk.ts";

export interface OpenLoginsOptions {
  readonly config: Config;
  readonly secrets: OpenedSecrets;
  readonly guard: Guard;
  readonly owner: UserPrincipal;
  /** Of this daemon, on loopback. */
  readonly url: string;
  readonly gateway: Pick<Gateway, "retry">;
  readonly clock: Clock;
  readonly log: Log;
}

/** Gives servers that somebody else runs what they ask for. */
export interface ServerAuths {
  /** Of a server that the configuration names by its address. */
  ofConfig(name: string, url: string, config: ServerAuthConfig | undefined): UpstreamAuth;
  /** Of an entry; `names`: secrets of the entry, and the names under which they are kept here. */
  ofEntry(
    name: string,
    url: string,
    entry: Pick<ServerEntry, "remote" | "secrets" | "scope">,
    names?: Readonly<Record<string, string>>,
  ): UpstreamAuth;
  release(name: string): void;
}

export interface OpenedLogins {
  readonly auths: ServerAuths;
  readonly desk: LoginDesk;
  readonly pages: LoginPages;
}

export function openLogins(options: OpenLoginsOptions): OpenedLogins {
  const { config, secrets, guard, owner, url, gateway, clock, log } = options;
  const { publicUrl, clientMetadataUrl } = config.gateway.logins;
  const base = publicUrl?.replace(/\/+$/, "");
  const credentials = new Credentials({
    secrets: secrets.store,
    leases: secrets.leases,
    guard,
    clock,
    log,
    redirectUrl: () => `${base ?? url}${CALLBACK_PATH}`,
    documentUrl: clientMetadataUrl ?? (base === undefined ? undefined : `${base}${DOCUMENT_PATH}`),
    principalOf: (scope) => (scope === "" || scope === owner.id ? owner : undefined),
    onChange: (server) => gateway.retry(server),
  });
  const authOf = (
    name: string,
    address: string,
    scope: "shared" | "user",
    headers: readonly HeaderSecret[],
    oauth: OAuthSettings | false | undefined,
  ): UpstreamAuth => credentials.authOf({ name, url: address, scope, headers, oauth, resource: remoteServer(name) });
  return {
    desk: new LoginDesk({ credentials, guard, url }),
    pages: new LoginPages({ credentials, publicUrl: base }),
    auths: {
      ofConfig(name, address, auth) {
        const scope = auth?.scope ?? "shared";
        const headers = Object.entries(auth?.headers ?? {}).map(([header, { secret, value }]) => ({
          name: header,
          value,
          secret,
          scope,
          isRequired: true,
        }));
        return authOf(name, address, scope, headers, auth?.oauth);
      },
      ofEntry(name, address, entry, names = {}) {
        const headers = entry.secrets.flatMap((secret) =>
          secret.header === undefined
            ? []
            : [
                {
                  name: secret.header.name,
                  value: secret.header.value,
                  secret: names[secret.name] ?? secret.name,
                  scope: entry.scope === "user" ? ("user" as const) : secret.scope,
                  isRequired: secret.required,
                },
              ],
        );
        return authOf(name, address, entry.scope, headers, entry.remote?.oauth);
      },
      release: (name) => credentials.release(name),
    },
  };
}

/** As policy sees a server that somebody else runs. */
function remoteServer(name: string): GuardResource {
  return { type: "Server", id: name, attributes: { name, isolated: true, cleared: true } };
}
