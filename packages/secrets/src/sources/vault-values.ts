// Values in the KV engine (version 2) of HashiCorp Vault or OpenBao.
import { isJsonObject } from "@pratique/core";
import { problemIn, type JsonAnswer } from "../ask-json.ts";
import { secretErrors } from "../errors.ts";
import { askVault, type VaultPlace } from "../vault.ts";
import type { ValueSource } from "./value-source.ts";

/** The secret `NAME` is the field `value` of `PREFIX/NAME`, or the only field there is. */
export function vaultValues(vault: VaultPlace, prefix: string): ValueSource {
  const place = `Vault's ${vault.mount}/${prefix}`;
  const failed = (name: string, reason: string, cause?: unknown): Error =>
    secretErrors("secrets.source-failed", { place, name, reason }, { cause });
  return {
    type: "vault",
    place,
    async read(name) {
      const path = [...(prefix === "" ? [] : prefix.split("/")), ...name.split("/")].map(encodeURIComponent).join("/");
      let answer: JsonAnswer;
      try {
        answer = await askVault(vault, "GET", `data/${path}`);
      } catch (error) {
        throw failed(name, error instanceof Error ? error.message : String(error), error);
      }
      // 404 with a body is a deleted version; an engine that is not mounted says so in `errors`.
      if (answer.status === 404) {
        if (problemIn(answer) !== "status 404") throw failed(name, problemIn(answer));
        return undefined;
      }
      if (answer.status !== 200) throw failed(name, problemIn(answer));
      const outer = isJsonObject(answer.body) ? answer.body["data"] : undefined;
      const fields = isJsonObject(outer) ? outer["data"] : undefined;
      if (!isJsonObject(fields)) throw failed(name, "its answer is not that of a KV engine of version 2");
      const only = Object.values(fields);
      const value = fields["value"] ?? (only.length === 1 ? only[0] : undefined);
      if (typeof value !== "string") throw failed(name, "it has neither a field `value` nor just one field");
      return Buffer.from(value);
    },
  };
}
