// Where an identity token comes from: a file, the environment, or the CI job that runs us.
import { readFile } from "node:fs/promises";
import { readBounded } from "@pratique/core";
import { resolve } from "node:path";
import { cliErrors } from "../errors.ts";
import type { Context } from "./command.ts";

const TIMEOUT_MS = 20_000;
const LIMIT_BYTES = 64 * 1024;

export interface TokenWish {
  /** A file that holds the token: never the token itself, since others see a command's arguments. */
  readonly file: string | undefined;
  readonly audience: string;
}

/**
 * A token for `audience`. GitLab puts it into SIGSTORE_ID_TOKEN (`id_tokens`), GitHub gives it out on request.
 * @throws `sign.no-token`
 */
export async function identityToken(context: Context, { file, audience }: TokenWish): Promise<string> {
  const { environment, workingDirectory } = context;
  if (file !== undefined) return (await readTokenFile(resolve(workingDirectory, file))).trim();
  const given = environment["SIGSTORE_ID_TOKEN"];
  if (given !== undefined && given !== "") return given.trim();
  const [url, secret] = [environment["ACTIONS_ID_TOKEN_REQUEST_URL"], environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]];
  if (url !== undefined && secret !== undefined) return await askGitHub(url, secret, audience);
  throw cliErrors("sign.no-token", {});
}

async function readTokenFile(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw cliErrors("sign.token-unreadable", { path }, { cause });
  }
}

/** docs.github.com, "OpenID Connect": the job's own address and secret, with the audience added. */
async function askGitHub(address: string, secret: string, audience: string): Promise<string> {
  const url = new URL(address);
  url.searchParams.set("audience", audience);
  try {
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${secret}`, accept: "application/json" },
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok || response.body === null) throw new Error(`it answers ${response.status}`);
    const answer: unknown = JSON.parse((await readBounded(response.body, LIMIT_BYTES)).toString("utf8"));
    if (typeof answer === "object" && answer !== null && "value" in answer && typeof answer.value === "string") {
      return answer.value;
    }
    throw new Error("its answer holds no token");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw cliErrors("sign.github-refused", { reason }, { cause });
  }
}
