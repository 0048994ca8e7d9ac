// A file from the web: over TLS (or from this machine), bounded in size, time and redirects.
import { Digester, readBounded, type Digest } from "@pratique/core";
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { packagingErrors } from "../errors.ts";

const TIMEOUT_MS = 120_000;
const REDIRECT_LIMIT = 5;

/** @throws `mcp-server.fetch-failed`, `input.too-large` */
export async function fetchBounded(address: string, limitBytes: number, fetcher: typeof fetch): Promise<Buffer> {
  return await readBounded(await open(address, fetcher), limitBytes, address);
}

/** Writes it into a new file. @returns the digest of what was written */
export async function fetchFile(
  address: string,
  o: { path: string; limitBytes: number; fetcher: typeof fetch },
): Promise<Digest> {
  const digester = new Digester();
  const source = await open(address, o.fetcher);
  await pipeline(
    source,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        digester.update(chunk);
        if (digester.sizeBytes > o.limitBytes) {
          throw packagingErrors("mcp-server.fetch-failed", { source: address, reason: "it is too large" });
        }
        yield chunk;
      }
    },
    createWriteStream(o.path, { flags: "wx", mode: 0o600 }),
  );
  return digester.digest();
}

async function open(address: string, fetcher: typeof fetch): Promise<Readable> {
  const failed = (reason: string, cause?: unknown): Error =>
    packagingErrors("mcp-server.fetch-failed", { source: address, reason }, cause === undefined ? {} : { cause });
  let url = checked(address, failed);
  for (let redirects = 0; redirects <= REDIRECT_LIMIT; redirects += 1) {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const answer = await fetcher(url, { redirect: "manual", signal }).catch((cause: unknown) => {
      throw failed("it does not answer", cause);
    });
    const location = answer.headers.get("location");
    if (answer.status >= 300 && answer.status < 400 && location !== null) {
      await answer.body?.cancel();
      url = checked(new URL(location, url).href, failed);
      continue;
    }
    if (!answer.ok || answer.body === null) throw failed(`it answers ${answer.status}`);
    return Readable.fromWeb(answer.body);
  }
  throw failed("it redirects too often");
}

function checked(address: string, failed: (reason: string) => Error): URL {
  const url = new URL(address);
  const isHere = ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isHere)) throw failed("only https is fetched");
  if (url.username !== "" || url.password !== "") throw failed("it has a password in it");
  return url;
}
