// Keys to the registry's bucket: from a private file, read again when it changes, or from the environment.
import type { S3Credentials } from "@pratique/oci";
import { readFile, stat } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";
import { daemonErrors } from "./errors.ts";

const LIMIT_BYTES = 64 * 1024;

const Keys = z.strictObject({
  accessKeyId: z.string().min(1).max(256),
  secretAccessKey: z.string().min(1).max(256),
  sessionToken: z.string().min(1).max(16_384).optional(),
});

/**
 * What the store asks for each request. Nothing of it gets into errors or logs.
 * @throws `storage.keys-missing`, `storage.keys-exposed`, at once rather than at the first request
 */
export async function bucketCredentials(
  file: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<() => Promise<S3Credentials>> {
  if (file === undefined) {
    const keys = fromEnvironment(environment);
    return async () => keys;
  }
  let seen = await readKeys(file);
  return async () => {
    // Keys are changed by replacing the file; while it is away, those that were there are as good as any.
    const { mtimeMs } = await stat(file).catch(() => seen);
    if (mtimeMs !== seen.mtimeMs) seen = await readKeys(file);
    return seen.keys;
  };
}

function fromEnvironment(environment: Readonly<Record<string, string | undefined>>): S3Credentials {
  const parsed = Keys.safeParse({
    accessKeyId: environment["AWS_ACCESS_KEY_ID"],
    secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"],
    ...(environment["AWS_SESSION_TOKEN"] === undefined ? {} : { sessionToken: environment["AWS_SESSION_TOKEN"] }),
  });
  if (!parsed.success) throw daemonErrors("storage.keys-missing", { where: "the environment" });
  return plain(parsed.data);
}

async function readKeys(file: string): Promise<{ readonly keys: S3Credentials; readonly mtimeMs: number }> {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) throw daemonErrors("storage.keys-missing", { where: file });
  if ((found.mode & 0o077) !== 0) throw daemonErrors("storage.keys-exposed", { file });
  const text = found.size > LIMIT_BYTES ? "" : await readFile(file, "utf8");
  // A parser's message would quote the line, and with it the secret.
  const parsed = Keys.safeParse(parseQuietly(text));
  if (!parsed.success) throw daemonErrors("storage.keys-missing", { where: file });
  return { keys: plain(parsed.data), mtimeMs: found.mtimeMs };
}

function parseQuietly(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

function plain({ sessionToken, ...keys }: z.infer<typeof Keys>): S3Credentials {
  return sessionToken === undefined ? keys : { ...keys, sessionToken };
}
