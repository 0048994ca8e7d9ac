// The desk for logins to servers: begun, watched, finished by hand, listed, forgotten.
import type { BegunLogin, LoginList, LoginProgress, Principal } from "@pratique/contracts";
import { credentialErrors, type Credentials } from "@pratique/gateway";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { systemResource } from "../artifacts/artifacts.ts";
import { BEGIN_PATH } from "./login-pages.ts";

export class LoginDesk {
  readonly #credentials: Credentials;
  readonly #guard: Guard;

  readonly #url: string;

  /** `url`: of this daemon. */
  constructor(options: { readonly credentials: Credentials; readonly guard: Guard; readonly url: string }) {
    this.#credentials = options.credentials;
    this.#url = options.url;
    this.#guard = options.guard;
  }

  async begin(principal: Principal, server: string, signal: AbortSignal): Promise<BegunLogin> {
    const { scope, ...begun } = await this.#credentials.authorize(principal, server, signal);
    const page = `${this.#url}${BEGIN_PATH}${begun.id}`;
    return { ...begun, page, ...(scope === undefined ? {} : { scope }) };
  }

  /** Asked again and again while somebody waits: whoever knows the id began it. */
  async progress(id: string): Promise<LoginProgress> {
    const progress = this.#credentials.progress(id);
    if (progress === undefined) throw credentialErrors("gateway.login-expired");
    return progress;
  }

  /** With the address at which a browser ended that could not come back here. */
  async finish(address: string, signal: AbortSignal): Promise<{ server: string }> {
    const url = URL.parse(address.trim());
    if (url === null) throw credentialErrors("gateway.login-expired");
    return { server: await this.#credentials.finish(url.searchParams, signal) };
  }

  async list(principal: Principal): Promise<LoginList> {
    const act = { principal, action: "admin:read", resource: systemResource } as const;
    const outcome = await this.#guard.perform(act, () => this.#credentials.logins(principal));
    return {
      logins: allowedOrThrow(outcome).map(({ owner, scope, ...login }) => ({
        ...login,
        scope: owner === "" ? "shared" : "user",
        ...(scope === undefined ? {} : { scopes: scope }),
      })),
    };
  }

  async forget(principal: Principal, server: string, signal: AbortSignal): Promise<{ server: string }> {
    await this.#credentials.forget(principal, server, signal);
    return { server };
  }
}
