// The control API's operations on logins to servers behind the gateway.
import { BegunLogin, LoginFinishRequest, LoginList, LoginProgress, LoginRequest } from "@pratique/contracts";
import type { LoginDesk } from "../secrets/login-desk.ts";
import { get, post, type Operation } from "./operation.ts";

export function loginOperations(logins: LoginDesk): Operation[] {
  return [
    get("/gateway/logins", "List logins to servers", LoginList, ({ principal }) => logins.list(principal)),
    post("/gateway/logins", "Begin a login to a server", LoginRequest, BegunLogin, ({ principal, body, signal }) =>
      logins.begin(principal, body.server, signal),
    ),
    get("/gateway/logins/{id}", "Say how a login goes", LoginProgress, ({ path }) => logins.progress(path["id"] ?? "")),
    post(
      "/gateway/logins/finish",
      "Finish a login with the address at which the browser ended",
      LoginFinishRequest,
      LoginRequest,
      ({ body, signal }) => logins.finish(body.address, signal),
    ),
    post(
      "/gateway/logins/forget",
      "Forget a login, and revoke it where that can be done",
      LoginRequest,
      LoginRequest,
      ({ principal, body, signal }) => logins.forget(principal, body.server, signal),
    ),
  ];
}
