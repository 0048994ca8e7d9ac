// HashiCorp Vault or OpenBao: who we are to it, and one request.
import type { Json } from "@pratique/core";
import { askJson, safeAddress, type JsonAnswer } from "./ask-json.ts";
import { readPrivateFile } from "./keys/private-file.ts";

export interface VaultPlace {
  /** `https://vault.example:8200`; plain http on loopback only. */
  readonly address: string;
  /** A file with the token, which only its owner may read; read again on each request, since tokens are renewed. */
  readonly tokenFile: string;
  readonly mount: string;
  readonly namespace?: string | undefined;
  readonly ca?: string | undefined;
}

/** @throws Error that says why there is no answer */
export async function askVault(
  vault: VaultPlace,
  method: "GET" | "POST",
  path: string,
  body?: Json,
): Promise<JsonAnswer> {
  const base = safeAddress(vault.address);
  if (base === undefined) throw new Error("its address must be https, or http on this machine, without credentials");
  const token = (await readPrivateFile(vault.tokenFile))?.toString("utf8").trim() ?? "";
  if (!/^[\x21-\x7e]{1,4096}$/.test(token)) throw new Error(`${vault.tokenFile} holds no token`);
  return await askJson({
    url: new URL(`/v1/${vault.mount}/${path}`, base),
    method,
    headers: {
      "x-vault-token": token,
      "x-vault-request": "true",
      ...(vault.namespace === undefined ? {} : { "x-vault-namespace": vault.namespace }),
    },
    ...(body === undefined ? {} : { body }),
    ca: vault.ca,
  });
}
