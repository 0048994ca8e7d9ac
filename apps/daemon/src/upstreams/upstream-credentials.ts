// Credentials for an upstream registry, from a private file.
import type { Credentials } from "@pratique/oci";
import { readFile, stat } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";
import { daemonErrors } from "../errors.ts";

const LIMIT_BYTES = 64 * 1024;
const Secret = z.string().min(1).max(16_384);

const File = z.union([
  z.strictObject({ username: z.string().min(1).max(256), password: Secret }),
  z.strictObject({ token: Secret }),
  z.strictObject({ identityToken: Secret }),
]);

/** @throws `upstream.credentials-missing`, `upstream.credentials-exposed` */
export async function upstreamCredentials(file: string): Promise<Credentials> {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) throw daemonErrors("upstream.credentials-missing", { file });
  if ((found.mode & 0o077) !== 0) throw daemonErrors("upstream.credentials-exposed", { file });
  const text = found.size > LIMIT_BYTES ? "" : await readFile(file, "utf8");
  // A parser's message would quote the line, and with it the secret.
  const parsed = File.safeParse(parseQuietly(text));
  if (!parsed.success) throw daemonErrors("upstream.credentials-missing", { file });
  return parsed.data;
}

function parseQuietly(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}
