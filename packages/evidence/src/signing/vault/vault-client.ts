// One request to HashiCorp Vault or OpenBao: JSON both ways, bounded in size and time, redirects not followed.
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { isJsonObject, readBounded, type Json } from "@pratique/core";
import { signingErrors } from "../errors.ts";
import { readSecretFile } from "../secret-file.ts";

export interface VaultOptions {
  /** `https://vault.example:8200`; plain http on loopback only. */
  readonly address: string;
  /** A file with the token, which only its owner may read; read again on each request, since tokens are renewed. */
  readonly tokenFile: string;
  /** Where the transit engine is mounted. */
  readonly mount: string;
  readonly namespace?: string | undefined;
  /** PEM of the authority that signed the server's certificate, instead of the system's. */
  readonly ca?: string | undefined;
}

export interface VaultAnswer {
  readonly status: number;
  readonly body: Json;
}

const ANSWER_LIMIT_BYTES = 1024 * 1024;
const TIMEOUT_MS = 15_000;
const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** @throws `key.not-configured`, `key.unreachable` */
export async function askVault(
  options: VaultOptions,
  method: "GET" | "POST",
  path: string,
  body?: Json,
): Promise<VaultAnswer> {
  const url = addressOf(options, path);
  const token = await tokenOf(options.tokenFile);
  const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const headers = {
    "x-vault-token": token,
    "x-vault-request": "true",
    ...(options.namespace === undefined ? {} : { "x-vault-namespace": options.namespace }),
    ...(content === undefined ? {} : { "content-type": "application/json", "content-length": content.length }),
  };
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  const ca = options.ca === undefined ? {} : { ca: options.ca };
  const unreachable = (reason: string, cause?: unknown): Error =>
    signingErrors("key.unreachable", { where: url.origin, reason }, { cause });
  return await new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const asked = request(url, { method, headers, signal, ...ca }, (response) => {
      readBounded(response, ANSWER_LIMIT_BYTES, "the answer").then(
        (bytes) => resolve({ status: response.statusCode ?? 0, body: jsonOf(bytes) }),
        (error: unknown) => reject(unreachable("its answer cannot be read", error)),
      );
    });
    asked.once("error", (error) => reject(unreachable(signal.aborted ? "no answer in time" : error.message, error)));
    asked.end(content);
  });
}

/** True for a key that is not there; an engine that is not mounted answers 404 too, and says so. */
export function isAbsent(answer: VaultAnswer): boolean {
  return answer.status === 404 && errorsIn(answer.body).length === 0;
}

/** What Vault says went wrong. */
export function vaultProblem({ status, body }: VaultAnswer): string {
  const text = errorsIn(body).join("; ");
  const printable = text.replace(/[^\x20-\x7e]+/g, " ").slice(0, 200);
  return printable.trim() === "" ? `status ${status}` : printable;
}

function errorsIn(body: Json): string[] {
  const errors = isJsonObject(body) && Array.isArray(body["errors"]) ? body["errors"] : [];
  return errors.filter((error) => typeof error === "string");
}

function addressOf({ address, mount }: VaultOptions, path: string): URL {
  const wrong = (reason: string): Error => signingErrors("key.not-configured", { scheme: "hashivault", reason });
  if (!URL.canParse(address)) throw wrong("`signing.vault.address` is no URL");
  const base = new URL(address);
  const isPlain = base.protocol === "http:" && LOOPBACK.has(base.hostname);
  if (base.protocol !== "https:" && !isPlain) throw wrong("the address must be https, or http on this machine");
  if (base.username !== "" || base.password !== "") throw wrong("the address must hold no credentials");
  return new URL(`/v1/${mount}/${path}`, base);
}

async function tokenOf(path: string): Promise<string> {
  const token = (await readSecretFile(path))?.trim();
  if (token === undefined || !/^[\x21-\x7e]{1,4096}$/.test(token)) {
    throw signingErrors("key.not-configured", { scheme: "hashivault", reason: `${path} holds no token` });
  }
  return token;
}

function jsonOf(bytes: Uint8Array): Json {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    // A proxy's page, or nothing: the status says what there is to say.
    return null;
  }
}
